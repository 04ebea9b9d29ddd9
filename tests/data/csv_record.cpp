// One record cut into fields: where it ends, and when there is too little of it to know.
#include "data/csv_record.h"

#include <doctest/doctest.h>

#include "core/error.h"

using namespace flowfit;
using data::CsvRecord;
using data::cut_record;

TEST_CASE("csv_record: a record is taken only when its end is known") {
  const std::string text = "1,\"a\"\"b\r\nc\",\r\nnext";
  const std::size_t whole = text.find("next");
  CsvRecord record;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const bool complete = cut_record(text.data(), text.data() + size, false, 10, "t", 1, record);
    CHECK(complete == (size >= whole));
    if (!complete) continue;
    REQUIRE(record.count == 3);
    CHECK(record.fields[0].text() == "1");
    CHECK(record.fields[1].text() == "a\"b\r\nc");
    CHECK(record.fields[2].text() == "");
    CHECK(record.lines == 2);
    CHECK(record.next == text.data() + whole);
    CHECK(record.text_end == text.data() + whole - 2);
  }
}

TEST_CASE("csv_record: fields beyond those wanted are counted, not kept") {
  const std::string text = ",,,,,,,,,";
  CsvRecord record;
  REQUIRE(cut_record(text.data(), text.data() + text.size(), true, 2, "t", 1, record));
  CHECK(record.fields.size() == 2);
  CHECK(record.count == 10);
  CHECK(record.lines == 0);
}

TEST_CASE("csv_record: every bad cell has a hint") {
  for (const std::string text :
       {"", " ", "x", "-", "+", "e5", "1e", "--1", "1-2", "1/2", ".", "'1'", "1_000", "$5", "5 kg", "\xff"})
    CHECK_MESSAGE(!data::cell_hint(text).empty(), text);
}
