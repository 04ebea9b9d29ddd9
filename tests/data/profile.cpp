// What a table's columns look like.
#include "data/profile.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace flowfit::data {
namespace {

// The profile of a table with this text.
TableProfile profile_of(const std::string& text) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "flowfit_profile.csv";
  std::ofstream(path) << text;
  TableProfile found = profile(path.string());
  std::filesystem::remove(path);
  return found;
}

TEST_CASE("numbers: limits, piles, whole numbers") {
  const TableProfile table = profile_of("id,n,x,c\n1,0,0.5,7\n2,0,0.5,7\n3,1e3,0.25,7\n4,,4.5, 7 \n");
  REQUIRE(table.columns.size() == 4);
  CHECK(table.rows == 4);
  const ColumnProfile &id = table.columns[0], &n = table.columns[1], &x = table.columns[2], &c = table.columns[3];
  CHECK(id.counts_up);
  CHECK(id.distinct == 4);
  CHECK_FALSE(n.counts_up);
  CHECK(n.whole);
  CHECK(n.missing == 1);
  CHECK(n.present == 3);
  CHECK(n.low_count == 2);
  CHECK(n.high_count == 1);
  CHECK_FALSE(x.whole);
  CHECK(x.low == 0.25);
  CHECK(x.high == 4.5);
  CHECK(x.distinct == 3);
  CHECK(c.distinct == 1);
}

TEST_CASE("texts: the first one is shown, quoted fields count as what they say, and counting stops") {
  const TableProfile table = profile_of("a,b\n1,\"u, v\"\nx,\"u, v\"\nNA,w\n");
  CHECK_FALSE(table.columns[0].numbers());
  CHECK(table.columns[0].text == "x");
  CHECK(table.columns[0].missing == 1);
  CHECK(table.columns[0].distinct == 2);
  CHECK(table.columns[1].distinct == 2);
  std::string many = "a\n";
  for (int i = 0; i < 3000; ++i) many += "t" + std::to_string(i) + "\n";
  CHECK(profile_of(many).columns[0].distinct == most_distinct);
}

TEST_CASE("a text after numbers makes a column of texts, and counting up ends with the first gap") {
  const TableProfile table = profile_of("a,b,c\n5,1,3\n6,2,4\nx,4,5\n7,5,6\n");
  CHECK_FALSE(table.columns[0].numbers());
  CHECK(table.columns[0].text == "x");
  CHECK(table.columns[0].distinct == 4);
  CHECK_FALSE(table.columns[1].counts_up);
  CHECK(table.columns[2].counts_up);
  std::string many = "a\n";
  for (int i = 3000; i > 0; --i) many += std::to_string(i) + "\n-1\n";
  const TableProfile numbers = profile_of(many);
  CHECK(numbers.columns[0].distinct == most_distinct);
  CHECK(numbers.columns[0].low_count == 3000);
  CHECK(numbers.columns[0].high_count == 1);
}

TEST_CASE("a word among twenty cells or more is a slip: the numbers count on") {
  std::string text = "a,b\n";
  for (int i = 0; i < 40; ++i) text += (i == 11 ? "4O" : std::to_string(i)) + (i < 3 ? ",x\n" : ",1\n");
  const TableProfile table = profile_of(text);
  const ColumnProfile &a = table.columns[0], &b = table.columns[1];
  CHECK(a.numbers());
  CHECK(a.words == 1);
  CHECK(a.word_row == 12);
  CHECK(a.text == "4O");
  CHECK(a.whole);
  CHECK(a.distinct == 39);
  CHECK(a.high == 39);
  CHECK_FALSE(b.numbers());
  CHECK(b.words == 3);
  CHECK(b.distinct == 2);
}

TEST_CASE("a column without values, and a table without rows") {
  const TableProfile table = profile_of("a,b\n,1\nNA,2\n");
  CHECK(table.columns[0].present == 0);
  CHECK_FALSE(table.columns[0].numbers());
  CHECK_THROWS_AS(profile_of("a,b\n"), core::DataError);
}

}  // namespace
}  // namespace flowfit::data
