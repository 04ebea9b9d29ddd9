// Rows of a .npy that stays in its file: those of the same table in memory, whatever their order, type and layout.
#include "data/npy_rows.h"

#include <doctest/doctest.h>

#include <cmath>

#include "../core/scratch.h"
#include "core/error.h"
#include "data/dataset.h"
#include "npy_bytes.h"

using namespace flowfit;
using core::DataError;
using data::Columns;
using test::Scratch;
using test::thrown;

namespace {

template <class T>
std::string array(const std::string& descr, const Columns& columns, bool fortran) {
  const std::size_t rows = columns.front().size();
  std::string bytes =
      test::header(test::literal(descr, "(" + std::to_string(rows) + ", " + std::to_string(columns.size()) + ")", fortran));
  const auto put = [&](double value) {
    const T number = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  if (fortran)
    for (const auto& column : columns)
      for (const double value : column) put(value);
  else
    for (std::size_t row = 0; row < rows; ++row)
      for (const auto& column : columns) put(column[row]);
  return bytes;
}

Columns some(std::size_t rows) {
  Columns columns(3);
  for (std::size_t i = 0; i < rows; ++i) {
    columns[0].push_back(static_cast<double>(i));
    columns[1].push_back(static_cast<double>(i * i % 89));
    columns[2].push_back(static_cast<double>(i % 3));
  }
  return columns;
}

/// The same selection in memory and in the file.
std::pair<data::Dataset, data::Dataset> both(const std::string& path, data::Selection selection) {
  data::Dataset memory = data::read_dataset(path, selection);
  selection.most_bytes = 0;
  return {std::move(memory), data::read_dataset(path, selection)};
}

const std::vector<std::uint32_t> places{7, 8, 9, 3, 0, 60, 59, 61, 62, 7};

void check_same(const data::Dataset& memory, const data::Dataset& file) {
  REQUIRE(!memory.file);
  REQUIRE(file.file);
  CHECK(file.columns.empty());
  CHECK(file.rows() == memory.rows());
  CHECK(file.names == memory.names);
  CHECK(file.texts == memory.texts);
  CHECK(file.dropped == memory.dropped);
  Columns a, b{{1, 2, 3}};
  const std::vector<std::size_t> columns{1, 0};
  memory.read(columns, places, a);
  file.read(columns, places, b);
  CHECK(a == b);
  CHECK(a.size() == 2);
  CHECK(a[0].size() == places.size());
}

}  // namespace

TEST_CASE_TEMPLATE("npy rows: in any order, of any layout", T, float, double, std::int16_t, std::uint8_t) {
  const std::string descr = std::is_same_v<T, float> ? "<f4" : std::is_same_v<T, double> ? "<f8" : sizeof(T) == 2 ? "<i2" : "|u1";
  const Scratch scratch;
  for (const bool fortran : {false, true}) {
    CAPTURE(fortran);
    const std::string path = scratch.write("t.npy", array<T>(descr, some(90), fortran));
    const auto [memory, file] = both(path, {});
    check_same(memory, file);
    const auto [two, two_in_file] = both(path, {.wanted = {"x3", "x1"}});
    check_same(two, two_in_file);
  }
}

TEST_CASE("npy rows: categories have the codes of the table in memory, and rows without a number are left out") {
  const Scratch scratch;
  Columns columns = some(90);
  for (double& value : columns[2]) value = value == 0 ? 10.5 : value == 1 ? -3 : 7;
  columns[0][8] = columns[1][61] = std::nan("");
  columns[2][5] = 99;
  columns[0][5] = std::nan("");  // the only row of its category
  const std::string path = scratch.write("t.npy", array<double>("<f8", columns, false));
  const auto [memory, file] =
      both(path, {.wanted = {"x3", "x1", "x2"}, .categorical = {"x3"}, .bad = data::BadCell::drop_missing});
  CHECK(memory.dropped == 3);
  CHECK(memory.texts[0] == std::vector<std::string>{"-3", "7", "10.5"});
  check_same(memory, file);
  CHECK(thrown<DataError>([&, p = path] { data::read_dataset(p, {.most_bytes = 0}); }).find("expected a finite number") !=
        std::string::npos);
  // Of a table like another one: its categories, and an error for any other.
  data::Selection selection{.wanted = {"x3"}, .categorical = {"x3"}, .most_bytes = 0};
  data::Dataset like{"like", {"x3"}, {}, {{"7", "-3", "10.5", "99"}}};
  const data::Dataset second = data::read_dataset(path, selection, {}, &like);
  Columns codes;
  second.read(std::vector<std::size_t>{0}, std::vector<std::uint32_t>{5, 0, 1, 2}, codes);
  CHECK(codes == Columns{{3, 2, 1, 0}});
  like.texts = {{"7", "-3"}};
  CHECK(thrown<DataError>([&] {
          data::read_dataset(path, selection, {}, &like);
        }).find("expected a category that the model knows") != std::string::npos);
}

TEST_CASE("npy rows: what stays in its file is what is larger than wanted and can stay") {
  const Scratch scratch;
  const std::string bytes = array<float>("<f4", some(90), false), path = scratch.write("t.npy", bytes);
  CHECK(!data::read_dataset(path, {.most_bytes = 90 * 3 * 8}).file);
  CHECK(data::read_dataset(path, {.most_bytes = 90 * 3 * 8 - 24}).file);
  CHECK(!data::read_dataset(path, {.wanted = {"x1"}, .most_bytes = 90 * 3 * 8 - 24}).file);
  CHECK(!data::read_dataset(scratch.write("t.csv", "a\n1\n2\n"), {.most_bytes = 0}).file);
  const data::Dataset file = data::read_dataset(path, {.most_bytes = 0});
  CHECK_THROWS_AS(file.pick(std::vector<std::string>{"x1"}), std::logic_error);
  const auto refusal = [&](const std::string& name, std::string_view cut) {
    return thrown<DataError>([&] { data::NpyRows(scratch.write(name, cut), {0}, {{}}); });
  };
  CHECK(refusal("cut.npy", std::string_view(bytes).substr(0, bytes.size() - 4)) ==
        scratch.path("cut.npy") + ": expected 1080 bytes of numbers, got 1076; was it changed just now?");
  CHECK_THROWS_AS(data::NpyRows(scratch.path("none.npy"), {0}, {{}}), core::IoError);
}
