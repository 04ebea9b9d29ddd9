// Tables by column name, and the fingerprint of their values.
#include "data/dataset.h"

#include <doctest/doctest.h>

#include "../core/scratch.h"
#include "core/error.h"

using namespace flowfit;
using core::DataError;
using data::Columns;
using test::thrown;

namespace {

std::string fingerprint(const Columns& columns) {
  data::Fingerprint mark;
  mark.add(columns);
  return mark.text();
}

}  // namespace

TEST_CASE("dataset: all columns, or those wanted in their order") {
  const test::Scratch scratch;
  const std::string path = scratch.write("t.csv", "x1,label,x2\n1,a,2\n3,b,4\n");
  const data::Dataset table = data::read_dataset(path, {.wanted = {"x2", "x1"}});
  CHECK(table.source == path);
  CHECK(table.names == std::vector<std::string>{"x2", "x1"});
  CHECK(table.columns == Columns{{2.0, 4.0}, {1.0, 3.0}});
  CHECK(table.rows() == 2);
  CHECK(table.pick(std::vector<std::string>{"x1"}) == Columns{{1.0, 3.0}});
  CHECK(thrown<DataError>([&] { table.pick(std::vector<std::string>{"x9"}); }) ==
        path + ": no column \"x9\"; did you mean \"x2\"?");
  CHECK(thrown<DataError>([&] { data::read_dataset(path); }) ==
        path + ":2:2 (label): expected a number, got \"a\"; leave a column of words out with data.columns");
  const data::Dataset all = data::read_dataset(scratch.write("u.csv", "a,b\n1,2\n"));
  CHECK(all.names == std::vector<std::string>{"a", "b"});
}

TEST_CASE("dataset: more rows than one read takes") {
  std::string text = "a\n";
  for (int i = 0; i < 50000; ++i) text += std::to_string(i) + "\n";
  const test::Scratch scratch;
  const data::Dataset table = data::read_dataset(scratch.write("t.csv", text));
  REQUIRE(table.rows() == 50000);
  CHECK(table.columns[0][49999] == 49999.0);
}

TEST_CASE("dataset: empty, header only and one row are told apart") {
  const test::Scratch scratch;
  const std::string path = scratch.path("t.csv");
  scratch.write("t.csv", "");
  CHECK(thrown<DataError>([&] { data::read_dataset(path); }) == path + ": expected a row of column names, got an empty file");
  scratch.write("t.csv", "a,b\n");
  CHECK(thrown<DataError>([&] { data::read_dataset(path); }) == path + ": expected rows of numbers, got a header only");
  scratch.write("t.csv", "1,2\n");
  CHECK(thrown<DataError>([&] { data::read_dataset(path); }) ==
        path + ": expected rows of numbers, got a header only; the first row was taken as the column names");
  scratch.write("t.csv", "a,b\n1,2\n");
  CHECK(data::read_dataset(path).rows() == 1);
}

TEST_CASE("dataset: locate names every missing column in one message") {
  const std::vector<std::string> header = {"x1", "x2", "target"};
  CHECK(data::locate(std::vector<std::string>{"target", "x1"}, header, "t.csv") == std::vector<std::size_t>{2, 0});
  const auto refusal = [&](std::vector<std::string> wanted) {
    return thrown<DataError>([&] { data::locate(wanted, header, "t.csv"); });
  };
  CHECK(refusal({"x1", "targte"}) == "t.csv: no column \"targte\"; did you mean \"target\"?");
  CHECK(refusal({"zzzzz", "targte"}) == "t.csv: no columns \"zzzzz\", \"targte\"; did you mean \"target\"?");
  CHECK(refusal({"zzzzz"}) == "t.csv: no column \"zzzzz\"; known: x1, x2, target");
  CHECK(refusal(std::vector<std::string>(30, "qqqqq")).find("… (30 in all)") != std::string::npos);
}

TEST_CASE("dataset: the fingerprint is of values, their order and their shape") {
  const Columns table = {{1.0, 2.0}, {3.0, 0.0}};
  const std::string mark = fingerprint(table);
  CHECK(mark.starts_with("crc32:"));
  CHECK(mark.ends_with("/2x2"));
  CHECK(mark.size() == 18);
  CHECK(fingerprint({{1.0, 2.0}, {3.0, -0.0}}) == mark);
  CHECK(fingerprint({{2.0, 1.0}, {3.0, 0.0}}) != mark);
  CHECK(fingerprint({{3.0, 0.0}, {1.0, 2.0}}) != mark);
  CHECK(fingerprint({{1.0, 2.0, 3.0, 0.0}}) != mark);
  CHECK(fingerprint({{1.0, 2.0}, {3.0, 5e-324}}) != mark);
  CHECK(fingerprint({{1.0}}) == "crc32:c7f813e9/1x1");  // the same on every machine
  CHECK(fingerprint({}) == "crc32:00000000/0x0");
}
