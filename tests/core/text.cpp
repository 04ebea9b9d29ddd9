// Numbers and words as text: exactness, refusals, suggestions.
#include "core/text.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

using namespace flowfit::core;

TEST_CASE("text: number prints the shortest text that parses back") {
  CHECK(number(0.1) == "0.1");
  CHECK(number(5.0) == "5");
  CHECK(number(-0.0) == "-0");
  CHECK(number(3e5) == "300000");
  CHECK(number(1e-4) == "0.0001");
  CHECK(number(123456789012345.0) == "123456789012345");
  CHECK(number(-1e-5) == "-0.00001");
  CHECK(number(1e15) == "1e+15");
  CHECK(number(2.5e-7) == "2.5e-07");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(number(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(number(std::nan("")) == "nan");
  CHECK(number(-std::nan("")) == "nan");
  std::uint64_t state = 1;
  int wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double value = std::bit_cast<double>(state);
    if (!std::isfinite(value)) continue;
    const auto back = parse_number(number(value));
    if (!back || std::bit_cast<std::uint64_t>(*back) != state) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("text: parse_number takes the whole field and finite numbers only") {
  CHECK(parse_number("1.5") == 1.5);
  CHECK(parse_number(" \t-1.5e3 ") == -1500.0);
  CHECK(parse_number("+2") == 2.0);
  CHECK(parse_number(".5") == 0.5);
  CHECK(parse_number("5.") == 5.0);
  CHECK(parse_number("010") == 10.0);
  CHECK(parse_number("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK(parse_number("5e-324") == std::numeric_limits<double>::denorm_min());
  for (const std::string bad : {"",        " ",        "+",    "-",    ".",        "e5",    "++1",    "+-1",
                                "-+1",     "1 2",      "1.5e", "1,5",  "0x10",     "1f",    "nan",    "NaN",
                                "nan(1)",  "-nan",     "inf",  "-inf", "infinity", "1e400", "-1e400", "1e99999999999999999999",
                                "123e307", "0.001e400"})
    CHECK_MESSAGE(!parse_number(bad), bad);
  CHECK(!parse_number(std::string(400, '9')));
  CHECK(!parse_number(std::string_view("1\0", 2)));
}

TEST_CASE("text: underflow is zero with its sign") {
  for (const std::string small : {"1e-400", "1e-99999999999999999999", "123e-500", "0.000001e-330"}) {
    const auto value = parse_number(small);
    REQUIRE_MESSAGE(value, small);
    CHECK(*value == 0.0);
    CHECK(!std::signbit(*value));
  }
  CHECK(std::signbit(parse_number("-1e-400").value()));
  CHECK(parse_number("0." + std::string(400, '0') + "1") == 0.0);
  CHECK(parse_number("0e999") == 0.0);
  CHECK(parse_number(std::string(400, '1') + "e-400").has_value());
  CHECK(parse_number("0." + std::string(400, '0') + "1e400").value() == doctest::Approx(0.1));
}

TEST_CASE("text: integers are plain decimal digits within their range") {
  CHECK(parse_integer("5", 0, 10) == 5);
  CHECK(parse_integer("-5", -10, 10) == -5);
  CHECK(parse_integer("0", 0, 0) == 0);
  CHECK(parse_integer("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()) ==
        std::numeric_limits<std::int64_t>::max());
  for (const std::string bad : {"", "-", "010", "-0", "1e3", "+5", " 5", "5 ", "5.0", "11", "-1", "99999999999999999999", "0x1"})
    CHECK_MESSAGE(!parse_integer(bad, 0, 10), bad);
  CHECK(parse_unsigned("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  for (const std::string bad : {"", "-1", "010", "18446744073709551616", "1.0", "+1", " 1"})
    CHECK_MESSAGE(!parse_unsigned(bad), bad);
}

TEST_CASE("text: closest forgives slips, not other words") {
  const std::vector<std::string> keys = {"steps", "batch_size", "learning_rate", "seed", "standardize"};
  CHECK(closest("stepz", keys) == "steps");
  CHECK(closest("setps", keys) == "steps");
  CHECK(closest("Learning-Rate", keys) == "learning_rate");
  CHECK(closest("standard", keys) == "standardize");
  CHECK(closest("batchsize", keys) == "batch_size");
  CHECK(closest("banana", keys) == "");
  CHECK(closest("", keys) == "");
  CHECK(closest(std::string(100000, 's'), keys) == "");
  CHECK(closest("x3", std::vector<std::string>{"x1", "x2"}) == "x1");
  CHECK(closest("y", std::vector<std::string>{"x"}) == "");
  CHECK(closest("X", std::vector<std::string>{"y", "x"}) == "x");
}

TEST_CASE("text: suggestion falls back on what is known") {
  CHECK(suggestion("bin", std::vector<std::string>{"bins", "bound"}) == "did you mean \"bins\"?");
  CHECK(suggestion("zzz", std::vector<std::string>{"bins", "my bound"}) == "known: bins, \"my bound\"");
  CHECK(suggestion("zzz", {}) == "");
  CHECK(suggestion("zzz", std::vector<std::string>(30, "bins")).ends_with("bins, … (30 in all)"));
}

TEST_CASE("text: quoted shows one harmless line") {
  CHECK(quoted("abc") == "\"abc\"");
  CHECK(quoted("a\nb\x1b[0m") == "\"a\\x0ab\\x1b[0m\"");
  CHECK(quoted("é\xff") == "\"é\\xff\"");
  CHECK(quoted("\xC2\x9B") == "\"\\xc2\\x9b\"");
  CHECK(quoted("abcdef", 3) == "\"abc…\"");
  CHECK(quoted("ab€", 4) == "\"ab…\"");
  CHECK(quoted("ab€", 5) == "\"ab€\"");
  CHECK(quoted("\xE2\x82") == "\"\\xe2\\x82\"");
}

TEST_CASE("text: is_utf8") {
  CHECK(is_utf8("plain é € 😀"));
  CHECK(is_utf8(""));
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5", "a\xE2\x82"})
    CHECK(!is_utf8(bad));
}

TEST_CASE("text: joined") {
  CHECK(joined(std::vector<std::string>{"a", "b", "c"}) == "a, b, c");
  CHECK(joined(std::vector<std::string>{"a", "b"}, "\n") == "a\nb");
  CHECK(joined({}) == "");
}
