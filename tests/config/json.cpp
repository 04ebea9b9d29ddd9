// JSON text, strictly: the place and text of each refusal, and printing that reads back.
#include "config/json.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "core/error.h"

using namespace flowfit;
using config::Json;
using config::parse_json;
using config::print_json;

namespace {

std::string refusal(std::string_view text) {
  return test::thrown<core::ConfigError>([&] { parse_json(text, "c.json"); });
}

std::string nested(std::size_t depth, char open, char close) { return std::string(depth, open) + std::string(depth, close); }

}  // namespace

TEST_CASE("json: keys keep their order and values their kind") {
  const Json json = parse_json("\xEF\xBB\xBF{\"z\": 1, \"a\": [true, null, -2, 3.0, 1e3, \"\\u00e9\"], \"m\": {}}", "c.json");
  CHECK(print_json(json) == "{\"z\":1,\"a\":[true,null,-2,3.0,1000.0,\"é\"],\"m\":{}}");
  CHECK(print_json(parse_json(" 3 ", "c.json")) == "3");
  CHECK(parse_json("18446744073709551615", "c.json").get<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("json: duplicate keys, with the place of the second") {
  CHECK(refusal("{\n  \"a\": 1,\n  \"b\": {\"a\": 2},\n  \"a\": 3\n}") ==
        "c.json:4:3: expected each key once, got a second \"a\"; keep one of them");
  CHECK(refusal("{\"é\\\"\\\\\": 1, \"é\\\"\\\\\": 1}") ==
        "c.json:1:14: expected each key once, got a second \"é\"\\\"; keep one of them");
  CHECK(refusal("{\"\": 1, \"\": 1}").starts_with("c.json:1:9: "));
}

TEST_CASE("json: at most 64 levels") {
  CHECK(refusal(nested(64, '[', ']')) == "nothing thrown");
  CHECK(refusal(nested(65, '[', ']')) == "c.json:1:65: expected at most 64 levels of nesting, got more");
  CHECK(refusal(std::string(1000000, '[')) == "c.json:1:65: expected at most 64 levels of nesting, got more");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK(refusal(objects) == "c.json:1:321: expected at most 64 levels of nesting, got more");
}

TEST_CASE("json: numbers beyond a double") {
  CHECK(refusal("{\"a\":\n 1e400}") == "c.json:2:2: expected a number within the range of a double, got \"1e400\"");
  CHECK(refusal("-1e400").starts_with("c.json:1:1: "));
  CHECK(parse_json("1e-400", "c.json").get<double>() == 0.0);
}

TEST_CASE("json: text that is not UTF-8") {
  CHECK(refusal("{\"a\": \"b\xff\"}") == "c.json:1:9: expected UTF-8 text, got the byte \"\\xff\"; save the file as UTF-8");
  CHECK(refusal("\"\xC3").starts_with("c.json:1:3: expected UTF-8 text, got the end"));
  CHECK(refusal("\xff\xfe{").starts_with("c.json:1:1: "));
}

TEST_CASE("json: syntax errors say where and what to do") {
  CHECK(refusal("") == "c.json:1:1: expected a JSON value, got an empty text");
  CHECK(refusal(" \n ") == "c.json:2:2: expected a JSON value, got an empty text");
  CHECK(refusal("{\"a\": 1,\n}") == "c.json:2:1: expected a key in double quotes, got \"}\"; remove the comma before it");
  CHECK(refusal("[1, 2,]") == "c.json:1:7: expected a JSON value, got \"]\"; remove the comma before it");
  CHECK(refusal("{\"a\": 1") == "c.json:1:8: expected the rest of a JSON value, got the end of the text; is a } missing?");
  CHECK(refusal("[1") == "c.json:1:3: expected the rest of a JSON value, got the end of the text; is a ] missing?");
  CHECK(refusal("{\"a\" 1}") == "c.json:1:6: expected ':', got \"1\"");
  CHECK(refusal("[1 2]") == "c.json:1:4: expected ',' or ']', got \"2\"");
  CHECK(refusal("{\"a\": 1 \"b\": 2}") == "c.json:1:9: expected ',' or '}', got \"\"b\"\"");
  CHECK(refusal("{} {}") == "c.json:1:4: expected the end of the text, got \"{\"");
  CHECK(refusal("{a: 1}") ==
        "c.json:1:2: expected a key in double quotes, got \"a\"; strings and keys are written in double quotes");
  CHECK(refusal("{\"a\": NaN}") == "c.json:1:7: expected a JSON value, got \"NaN\"; JSON has no NaN and no infinity");
  CHECK(refusal("// note\n{}") == "c.json:1:1: expected a JSON value, got \"/\"; JSON has no comments");
  CHECK(refusal("['a']") == "c.json:1:2: expected a JSON value, got \"'\"; strings are written in double quotes");
  CHECK(refusal("{\"a\": tru}") ==
        "c.json:1:7: expected a JSON value, got \"tru\"; strings and keys are written in double quotes");
  CHECK(refusal("{\"a\": 01}") == "c.json:1:7: expected ',' or '}', got \"01\"; a number has no leading zero");
  CHECK(refusal("[1.]") == "c.json:1:2: expected a JSON value, got \"1.\"");
  CHECK(refusal("[\"a") == "c.json:1:4: expected the rest of a JSON value, got the end of the text; is a closing quote missing?");
  CHECK(refusal("[True]") == "c.json:1:2: expected a JSON value, got \"True\"; write true, false and null");
  CHECK(refusal("\"a\nb\"").starts_with("c.json:1:1: expected a string, got \"\"a\\x0a\"; "));
  CHECK(refusal(std::string_view("{}\0{}", 5)) == "c.json:1:3: expected text, got a NUL byte; is the file binary, or UTF-16?");
}

TEST_CASE("json: every cut of a document is refused, with one line") {
  const std::string text = "{\"a\": [1.5, -2e3, true, null, \"\\u00e9\\n\"], \"b\": {\"c\": false}}";
  REQUIRE(refusal(text) == "nothing thrown");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string message = refusal(text.substr(0, size));
    CHECK_MESSAGE(message.starts_with("c.json:1:"), message);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("json: print_json is shortest, reads back and refuses what JSON cannot say") {
  Json json;
  json["a"] = 0.1;
  json["b"] = Json::array({1, 2.0, 1e300, 5e-324});
  json["c"] = Json::object();
  json["d"] = "a\n\xff";
  CHECK(print_json(json) == "{\"a\":0.1,\"b\":[1,2.0,1e+300,5e-324],\"c\":{},\"d\":\"a\\n\xEF\xBF\xBD\"}");
  CHECK(print_json(json, 2).starts_with("{\n  \"a\": 0.1,\n  \"b\": [\n    1,"));
  const std::string text = print_json(json);
  CHECK(print_json(parse_json(text, "x")) == text);
  CHECK_THROWS_AS(print_json(Json(std::numeric_limits<double>::infinity())), std::logic_error);
  CHECK_THROWS_AS(print_json(Json(std::numeric_limits<double>::quiet_NaN())), std::logic_error);
}
