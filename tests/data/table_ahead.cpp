// Reading ahead: the same chunks, and the same error at the same place, as reading in turn.
#include "data/table_ahead.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "../core/scratch.h"
#include "core/error.h"
#include "data/csv.h"

using namespace flowfit;

namespace {

std::shared_ptr<data::CsvReader> opened(const std::string& path) {
  auto reader = std::make_shared<data::CsvReader>(path);
  reader->select({1, 0});
  return reader;
}

}  // namespace

TEST_CASE("table_ahead: the same rows in the same chunks") {
  const test::Scratch scratch;
  std::string text = "a,b\n";
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "," + std::to_string(-i) + "\n";
  const std::string path = scratch.write("t.csv", text);
  data::CsvReader plain(path);
  plain.select({1, 0});
  data::TableAhead ahead(opened(path), 64);
  data::TableRows expected, rows;
  std::size_t chunks = 0;
  while (plain.read(64, expected) > 0) {
    REQUIRE(ahead.next(rows));
    CHECK(rows.count == expected.count);
    CHECK(rows.columns == expected.columns);
    ++chunks;
  }
  CHECK(chunks == 16);
  CHECK(!ahead.next(rows));
  CHECK(!ahead.next(rows));
}

TEST_CASE("table_ahead: an error comes after the rows before it, again and again") {
  const test::Scratch scratch;
  const std::string path = scratch.write("t.csv", "a,b\n1,2\n3,4\n5,6\n7,x\n");
  data::TableAhead ahead(opened(path), 2);
  data::TableRows rows;
  REQUIRE(ahead.next(rows));
  CHECK(rows.count == 2);
  for (int i = 0; i < 2; ++i)
    CHECK(test::thrown<core::DataError>([&] { ahead.next(rows); }).starts_with(path + ":5:2 (b): expected a number, got \"x\""));
}

TEST_CASE("table_ahead: giving up does not wait for a silent pipe") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "a,b\n1,2\n", 8) == 8);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  {
    data::TableAhead ahead(opened(path), 10);
    data::TableRows rows;
    REQUIRE(ahead.next(rows));
    CHECK(rows.count == 1);
  }
  ::close(ends[1]);  // the thread that still reads sees the end
  ::close(ends[0]);
}
