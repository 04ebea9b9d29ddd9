// The CSV reader: RFC 4180, exact error places, bounded memory, streams that stall.
#include "data/csv.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <thread>

#include "../core/scratch.h"
#include "core/error.h"
#include "data/csv_record.h"
#include "support/allocations.h"

using namespace flowfit;
using core::DataError;
using data::BadCell;
using data::Columns;
using data::CsvReader;
using data::TableRows;
using test::Scratch;
using test::thrown;

namespace {

Columns all(CsvReader& reader, std::size_t limit = 1000, BadCell bad = BadCell::error) {
  std::vector<std::size_t> fields(reader.header().size());
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = i;
  reader.select(fields, bad);
  Columns columns(fields.size());
  TableRows rows;
  while (reader.read(limit, rows) > 0) {
    CHECK(rows.count <= limit);
    for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i].insert(columns[i].end(), rows.columns[i].begin(), rows.columns[i].end());
  }
  CHECK(reader.read(limit, rows) == 0);
  return columns;
}

Columns parsed(std::string_view text, std::size_t limit = 1000) {
  const Scratch scratch;
  CsvReader reader(scratch.write("t.csv", text));
  return all(reader, limit);
}

/// The message without the folder of the file.
std::string refusal(std::string_view text) {
  const Scratch scratch;
  const std::string path = scratch.write("t.csv", text);
  std::string message = thrown<DataError>([&] {
    CsvReader reader(path);
    all(reader);
  });
  const std::size_t at = message.find(path);
  return at == std::string::npos ? message : message.replace(at, path.size(), "t.csv");
}

const Columns two_by_two = {{1.0, 3.0}, {2.0, 4.0}};

}  // namespace

TEST_CASE("csv: line ends, byte order mark and trailing blank lines change nothing") {
  for (const std::string text :
       {"a,b\n1,2\n3,4\n", "a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n",
        "\xEF\xBB\xBF"
        "a,b\n1,2\n3,4\n",
        "a,b\n1,2\n3,4\n\n\n", "a,b\r\n1,2\r\n3,4\r\n\r\n\r\n", "a,b\r\n1,2\n3,4\r\n", "\"a\",b\n\"1\",2\n3,\"4\"\n",
        "a , b\n 1,\t2 \n+3, 4.0e0\n", "\"a\",\"b\"\r\n\"1\",\"2\"\r\n\"3\",\"4\""}) {
    CAPTURE(text);
    for (const std::size_t limit : {1, 2, 1000}) CHECK(parsed(text, limit) == two_by_two);
    const Scratch scratch;
    CHECK(CsvReader(scratch.write("t.csv", text)).header() == std::vector<std::string>{"a", "b"});
  }
}

TEST_CASE("csv: quoted fields hold commas, quotes and line breaks") {
  const Scratch scratch;
  const std::string text = "\"x,\"\"1\"\"\",note\n1,\"a\n\"\"b\"\"\r\n,c\"\n2,\"\"\n3,\"\"\"\"\n4,plain\n";
  CsvReader reader(scratch.write("t.csv", text), true);
  CHECK(reader.header() == std::vector<std::string>{"x,\"1\"", "note"});
  CHECK(reader.header_line() == "\"x,\"\"1\"\"\",note");
  reader.select({0});
  TableRows rows;
  REQUIRE(reader.read(10, rows) == 4);
  CHECK(rows.columns == Columns{{1.0, 2.0, 3.0, 4.0}});
  CHECK(rows.lines == std::vector<std::string>{"1,\"a\n\"\"b\"\"\r\n,c\"", "2,\"\"", "3,\"\"\"\"", "4,plain"});
  CHECK(reader.read(10, rows) == 0);
}

TEST_CASE("csv: selection orders, repeats and leaves out fields") {
  const Scratch scratch;
  CsvReader reader(scratch.write("t.csv", "a,word,c\n1,x,3\n4,,6\n"), true);
  reader.select({2, 0, 2});
  TableRows rows;
  REQUIRE(reader.read(10, rows) == 2);
  CHECK(rows.columns == Columns{{3.0, 6.0}, {1.0, 4.0}, {3.0, 6.0}});
  CHECK(rows.lines == std::vector<std::string>{"1,x,3", "4,,6"});
  CsvReader none(scratch.path("t.csv"));
  CHECK(none.read(10, rows) == 2);
  CHECK(rows.columns.empty());
  CHECK_THROWS_AS(none.select({3}), std::out_of_range);
}

TEST_CASE("csv: cells that are no finite number, each with its hint") {
  const auto cell = [](const std::string& text) { return refusal("x1,x2\n0,0\n1," + text + "\n"); };
  const std::string at = "t.csv:3:2 (x2): expected a number, got ";
  CHECK(cell("") == at + "an empty cell; fill it or drop the row");
  CHECK(cell("  ") == at + "an empty cell; fill it or drop the row");
  for (const std::string text : {"NA", "nan", "NaN", "nan(1)", "null", "N/A", "-"})
    CHECK(cell(text) == at + "\"" + text + "\"; fill the cell, drop the row, or say under data.missing what missing values do");
  for (const std::string text : {"inf", "-Inf", "infinity"})
    CHECK(cell(text) == at + "\"" + text + "\"; an infinite value has no density: drop the row");
  CHECK(cell("\"1,5\"") == at + "\"1,5\"; write a decimal point, not a comma");
  CHECK(cell("\"1,500,000\"") == at + "\"1,500,000\"; write numbers without separators of thousands");
  CHECK(cell("1.5e") == at + "\"1.5e\"; the exponent is incomplete");
  for (const std::string text : {"1e400", "-1e400"})
    CHECK(cell(text) == at + "\"" + text + "\"; the number is beyond the range of a double");
  CHECK(cell("2024-01-31") == at + "\"2024-01-31\"; turn dates and times into numbers first");
  CHECK(cell("12:30") == at + "\"12:30\"; turn dates and times into numbers first");
  CHECK(cell("0x1F") == at + "\"0x1F\"; write the number in decimal");
  CHECK(cell("50%") == at + "\"50%\"; write a fraction or the bare number, without %");
  CHECK(cell("true") == at + "\"true\"; write 1 and 0");
  CHECK(cell("setosa") == at + "\"setosa\"; leave a column of words out with data.columns");
  CHECK(cell("1 000") == at + "\"1 000\"; write numbers without separators and units");
  CHECK(cell("1.2.3") == at + "\"1.2.3\"; write a plain decimal number such as -1.5 or 2e-3");
  CHECK(cell("\"a\"\"b\"") == at + "\"a\"b\"; leave a column of words out with data.columns");
  CHECK(cell("\x1b[31m\xff").find("\"\\x1b[31m\\xff\"") != std::string::npos);
}

TEST_CASE("csv: lines are those of an editor, after quoted line breaks and blank lines") {
  CHECK(refusal("a,\"b\nc\"\n1,2\n\"3\",\"\n\"\n5,x\n").starts_with("t.csv:4:2 (b\\x0ac): "));
  CHECK(refusal("a,b\n\"1\",\"2\"\n1,x\n").starts_with("t.csv:3:2 (b): "));
}

TEST_CASE("csv: underflow is zero") { CHECK(parsed("a\n1e-400\n-1e-999\n") == Columns{{0.0, -0.0}}); }

TEST_CASE("csv: ragged rows") {
  CHECK(refusal("a,b,c\n1,2,3\n1,2\n4,5,6\n") ==
        "t.csv:3: expected 3 fields, got 2; write an empty cell between commas where a value is missing, or remove the row");
  CHECK(refusal("a,b,c\n1,2,3\n1,2") == "t.csv:3: expected 3 fields, got 2; is the file cut off?");
  CHECK(refusal("a,b\n1,5,2\n") ==
        "t.csv:2: expected 2 fields, got 3; is there a comma inside a number or a text? put such a field in quotes");
  CHECK(refusal("a,b\n\"1\",5,2\n").starts_with("t.csv:2: expected 2 fields, got 3"));
  CHECK(refusal("a,b\nx\n").starts_with("t.csv:2: expected 2 fields, got 1"));
  CHECK(refusal("a,b\n1\n2,3\n") ==
        "t.csv:2: expected 2 fields, got 1; write an empty cell between commas where a value is missing, or remove the row");
  CHECK(refusal("a\n1,2\n").starts_with("t.csv:2: expected 1 field, got 2"));
  CHECK(refusal("a,b\n1,2\n\n\n3,4\n") == "t.csv:3: expected 2 fields, got a blank line; remove it");
  CHECK(refusal("a,b\n1,2\n" + std::string(100, ',') + "\n").starts_with("t.csv:3: expected 2 fields, got 101"));
}

TEST_CASE("csv: quotes gone wrong") {
  CHECK(refusal("a,b\n1,2\n3,\"4\n5,6\n") ==
        "t.csv:3:2: expected a closing quote, got the end of the file; this is where the quote opens");
  CHECK(refusal("a,b\n\"x\ny\",\"4\n5,6\n").starts_with("t.csv:3:2: expected a closing quote"));
  CHECK(refusal("a,b\n\"1\"2,3\n") ==
        "t.csv:2:1: expected a comma or the end of the line after the closing quote, got \"2\"; a quote inside a quoted field is "
        "written twice");
  CHECK(refusal("a,b\n1,5\" pipe\n") ==
        "t.csv:2:2: expected quotes around a whole field only, got a quote after \"5\"; put the field in quotes and write a "
        "quote inside it twice");
}

TEST_CASE("csv: bytes that are no text") {
  const std::string lone =
      "expected lines that end in LF or CRLF, got a lone carriage return; convert the line ends, for example with tr '\\r' '\\n'";
  CHECK(refusal("a,b\r1,2\r3,4\r") == "t.csv:1: " + lone);
  CHECK(refusal("a,b\n1,2\r3,4\n") == "t.csv:2: " + lone);
  CHECK(refusal("a,b\n1,2\r") == "t.csv:2: " + lone);
  CHECK(refusal("a,b\n\"1\",2\r3,4\n") == "t.csv:2: " + lone);
  CHECK(refusal(std::string_view("a,b\n1,\0002\n", 9)) ==
        "t.csv:2: expected text, got a NUL byte; is the file binary, or UTF-16? save it as UTF-8");
  CHECK(refusal(std::string_view("a,b\n1,\"\0\"\n", 10)).starts_with("t.csv:2: expected text, got a NUL byte"));
  CHECK(refusal(std::string_view("\xFF\xFE"
                                 "a\0\n\0",
                                 6)) ==
        "t.csv: expected a CSV file, got UTF-16; save it as UTF-8, for example with iconv -f UTF-16 -t UTF-8");
  CHECK(refusal(std::string_view("a\0\n\0", 4)).starts_with("t.csv:1: expected text, got a NUL byte"));
  CHECK(refusal("\x1F\x8B\x07garbage")
            .starts_with("t.csv: expected whole gzip data, got damaged bytes (unknown compression method)"));
  CHECK(refusal("PAR1\x15\x04garbage").starts_with("t.csv: expected a CSV file, got a parquet file"));
  CHECK(parsed("PAR1,PAR2\n1,2\n") == Columns{{1}, {2}});
  CHECK(refusal("PK\x03\x04garbage").starts_with("t.csv: expected a CSV file, got a zip file or a spreadsheet"));
}

TEST_CASE("csv: the header") {
  CHECK(refusal("") == "t.csv: expected a row of column names, got an empty file");
  CHECK(refusal("\xEF\xBB\xBF") == "t.csv: expected a row of column names, got an empty file");
  CHECK(refusal("\na,b\n") == "t.csv:1: expected a row of column names, got a blank line; remove it");
  CHECK(refusal("a,b,a\n") == "t.csv:1:3: expected each column name once, got \"a\" again; column 1 has it too: rename one");
  CHECK(refusal(",a\n") == "t.csv:1:1: expected a column name, got an empty field; name it, or write the file without its index");
  CHECK(refusal("a,b,\n") ==
        "t.csv:1:3: expected a column name, got an empty field; name every column, and end the row without a comma");
  CHECK(refusal("a;b\n1;2\n") ==
        "t.csv:1: expected columns separated by commas, got \"a;b\"; the file seems to be separated by semicolons: "
        "read it with --delimiter semicolon");
  CHECK(refusal("a\tb\n1\t2\n").find("separated by tabs") != std::string::npos);
  CHECK(refusal("a,b\xe9\n").starts_with("t.csv:1:2: expected a column name in UTF-8, got \"b\\xe9\""));
  const Scratch scratch;
  CHECK(CsvReader(scratch.write("n.csv", "1,2.5\n3,4\n")).header_is_numeric());
  CHECK(!CsvReader(scratch.write("m.csv", "1,x\n3,4\n")).header_is_numeric());
  CHECK(CsvReader(scratch.write("h.csv", "a,b")).header() == std::vector<std::string>{"a", "b"});
  CHECK(CsvReader(scratch.path("n.csv")).name() == scratch.path("n.csv"));
}

TEST_CASE("csv: a single column, where a blank line is an empty cell") {
  CHECK(parsed("a\n1\n2\n\n\n") == Columns{{1.0, 2.0}});
  CHECK(refusal("a\n1\n\n2\n") == "t.csv:3:1 (a): expected a number, got an empty cell; fill it or drop the row");
  const Scratch scratch;
  const std::string path = scratch.write("t.csv", "a\n1\n\n\r\n\n2\n\n\n");
  for (const std::size_t limit : {1, 2, 3, 100}) {
    CsvReader with_nan(path);
    const Columns columns = all(with_nan, limit, BadCell::nan);
    REQUIRE(columns.front().size() == 5);
    for (const std::size_t i : {1, 2, 3}) CHECK(std::isnan(columns.front()[i]));
    CHECK(columns.front()[4] == 2.0);
    CsvReader skipping(path);
    CHECK(all(skipping, limit, BadCell::skip) == Columns{{1.0, 2.0}});
    CHECK(skipping.skipped() == 3);
  }
}

TEST_CASE("csv: nan and skip forgive the value, never the structure") {
  const Scratch scratch;
  const std::string path = scratch.write("t.csv", "a,b\n1,2\nx,3\n4,\"\"\n5,6\n");
  CsvReader with_nan(path);
  const Columns columns = all(with_nan, 1000, BadCell::nan);
  CHECK(columns[1].size() == 4);
  CHECK(std::isnan(columns[0][1]));
  CHECK(columns[1][1] == 3.0);
  CHECK(std::isnan(columns[1][2]));
  CHECK(with_nan.skipped() == 0);
  CsvReader skipping(path, true);
  skipping.select({0, 1}, BadCell::skip);
  TableRows rows;
  CHECK(skipping.read(10, rows) == 2);
  CHECK(rows.columns == Columns{{1.0, 5.0}, {2.0, 6.0}});
  CHECK(rows.lines == std::vector<std::string>{"1,2", "5,6"});
  CHECK(skipping.skipped() == 2);
  for (const BadCell bad : {BadCell::nan, BadCell::skip}) {
    for (const std::string text : {"a,b\nx,3,1\n", "a,b\nx\n", "a,b\n\nx,1\n", "a,b\nx,\"1\n", "a,b\nx,\"1\"2\n"}) {
      CsvReader broken(scratch.write("s.csv", text));
      CHECK_THROWS_AS(all(broken, 10, bad), DataError);
    }
  }
  CHECK(refusal("a,b\nx,3,1\n").starts_with("t.csv:2: expected 2 fields, got 3"));  // the structure comes first
}

TEST_CASE("csv: records across the reader's window, with and without quotes") {
  std::string text = "a,word,b\r\n";
  Columns expected(2);
  std::uint64_t state = 7;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto length = static_cast<std::size_t>(state >> 58);
    expected[0].push_back(i * 0.25);
    expected[1].push_back(-i);
    std::string word(length, 'w');
    if (i % 50 == 3) word = "\"" + word + "\"\"\r\n,\"";
    if (i == 7777) word.assign(700000, 'z');
    text += std::to_string(i * 0.25) + "," + word + "," + (i % 3 == 0 ? "\"" + std::to_string(-i) + "\"" : std::to_string(-i)) +
            (i % 2 == 0 ? "\n" : "\r\n");
  }
  const Scratch scratch;
  CsvReader reader(scratch.write("t.csv", text), true);
  reader.select({0, 2});
  Columns got(2);
  std::string again = reader.header_line() + "\r\n";
  TableRows rows;
  std::size_t n = 0;
  while (reader.read(777, rows) > 0) {
    REQUIRE(rows.lines.size() == rows.count);
    for (std::size_t i = 0; i < 2; ++i) got[i].insert(got[i].end(), rows.columns[i].begin(), rows.columns[i].end());
    for (const std::string& line : rows.lines) again += line + (n++ % 2 == 0 ? "\n" : "\r\n");
  }
  CHECK(got == expected);
  CHECK((again == text));
}

TEST_CASE("csv: every cut of a table reads or is refused") {
  const std::string text = "a,\"b\"\r\n1,\"2\"\r\n\"3\",4\n5,\"6\"\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string message = refusal(text.substr(0, size));
    CHECK_MESSAGE((message == "nothing thrown" || message.starts_with("t.csv")), message);
  }
}

TEST_CASE("csv: huge fields and rows are refused before they are held") {
  const Scratch scratch;
  const auto huge = [&](const std::string& start, char fill, std::size_t megabytes) {
    std::ofstream file(scratch.path("t.csv"), std::ios::binary);
    file << start;
    const std::string block(1 << 20, fill);
    for (std::size_t i = 0; i < megabytes; ++i) file << block;
    file.close();
    return thrown<DataError>([&] {
      CsvReader reader(scratch.path("t.csv"));
      all(reader);
    });
  };
  struct rusage before {
  }, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const std::string path = scratch.path("t.csv");
  CHECK(huge("a,b\n1,", '1', 100) == path + ":2:2: expected a field of at most 1 MB, got more; is it a CSV file?");
  CHECK(huge("a,b\n1,\"", 'x', 20) == path + ":2:2: expected a field of at most 1 MB, got more; is a closing quote missing?");
  CHECK(huge("a,b\n1,\"", '\n', 20) == path + ":2:2: expected a field of at most 1 MB, got more; is a closing quote missing?");
  CHECK(huge("a", 'a', 20) == path + ":1:1: expected a field of at most 1 MB, got more; is it a CSV file?");
  CHECK(huge("a,b\n1", ',', 20) == path + ":2: expected a row of at most 16 MB, got more; is it a CSV file?");
  CHECK(huge("a,b\n\"1\"", ',', 20) == path + ":2: expected a row of at most 16 MB, got more; is it a CSV file?");
  ::getrusage(RUSAGE_SELF, &after);
#if !defined(__SANITIZE_ADDRESS__)  // which keeps freed memory
  // A sanitizer keeps what was freed.
  if (test::counts_allocations()) CHECK(after.ru_maxrss - before.ru_maxrss < 80 * 1024);
#endif
}

TEST_CASE("csv: a pipe that stalls gets what is there") {
  const Scratch scratch;
  REQUIRE(::mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  const int keep = ::open(scratch.path("pipe").c_str(), O_RDWR);
  const auto send = [keep](std::string_view text) {
    REQUIRE(::write(keep, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  send("a,b\n1,2\n3,4\n5");
  CsvReader reader(scratch.path("pipe"), true);
  reader.select({0, 1});
  TableRows rows;
  CHECK(reader.read(100, rows) == 2);
  send(",6\n\"7");
  CHECK(reader.read(100, rows) == 1);
  CHECK(rows.columns == Columns{{5.0}, {6.0}});
  CHECK(rows.lines == std::vector<std::string>{"5,6"});
  send("\",8\n9,10\n\n");
  CHECK(reader.read(1, rows) == 1);
  CHECK(rows.columns == Columns{{7.0}, {8.0}});
  CHECK(reader.read(100, rows) == 1);
  CHECK(rows.columns == Columns{{9.0}, {10.0}});
  send("\n");
  ::close(keep);
  CHECK(reader.read(100, rows) == 0);
}

TEST_CASE("csv: stdin is called stdin") {
  const Scratch scratch;
  const int file = ::open(scratch.write("t.csv", "a,b\n1,x\n").c_str(), O_RDONLY);
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(file, STDIN_FILENO);
  const std::string text = thrown<DataError>([] {
    CsvReader reader("-");
    all(reader);
  });
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(file);
  CHECK(text.starts_with("stdin:2:2 (b): expected a number, got \"x\""));
}

TEST_CASE("csv: files that cannot be read") {
  const Scratch scratch;
  CHECK(thrown<core::IoError>([&] { CsvReader reader(scratch.path("no.csv")); }) ==
        scratch.path("no.csv") + ": cannot open: No such file or directory");
  CHECK(thrown<core::IoError>([&] { CsvReader reader(scratch.folder().string()); }) ==
        scratch.folder().string() + ": cannot read: Is a directory");
}

TEST_CASE("csv: names as fields") {
  CHECK(data::csv_field("x1") == "x1");
  CHECK(data::csv_field("a b") == "a b");
  CHECK(data::csv_field("a,b") == "\"a,b\"");
  CHECK(data::csv_field("a\"b") == "\"a\"\"b\"");
  CHECK(data::csv_field("a\nb") == "\"a\nb\"");
  CHECK(data::csv_field(" a") == "\" a\"");
  const Scratch scratch;
  const std::vector<std::string> names = {"\xEF\xBB\xBFx", "x,\"y\"\r\nz", " a ", "plain", ";"};  // the first: found by fuzz_csv
  std::string header;
  for (const std::string& name : names) header += (header.empty() ? "" : ",") + data::csv_field(name);
  CHECK(CsvReader(scratch.write("t.csv", header + "\n")).header() == names);
}

TEST_CASE("csv: another delimiter, in all its places") {
  const Scratch scratch;
  CsvReader reader(scratch.write("t.tsv", "a,b\t\"c\td\"\te\n1\t2\t3\n\"4\"\t 5\tx\n"), true, '\t');
  CHECK(reader.header() == std::vector<std::string>{"a,b", "c\td", "e"});
  CHECK(reader.delimiter() == '\t');
  reader.select({0, 1});
  TableRows rows;
  CHECK(reader.read(10, rows) == 2);
  CHECK(rows.columns == Columns{{1, 4}, {2, 5}});
  CHECK(rows.lines[1] == "\"4\"\t 5\tx");
  const auto says = [&](const std::string& text, char delimiter) {
    const std::string path = scratch.write("d", text);
    return thrown<DataError>([&] {
             CsvReader bad(path, false, delimiter);
             all(bad);
           })
        .substr(path.size());
  };
  CHECK(says("a\tb\n1\t2,5\n", '\t') == ":2:2 (b): expected a number, got \"2,5\"; write a decimal point, not a comma");
  CHECK(says("a;b\n1;2;3\n", ';') ==
        ":2: expected 2 fields, got 3; is there a semicolon inside a number or a text? put such a field in quotes");
  CHECK(says("a;b\n\"1\" ;2\n", ';').starts_with(":2:1: expected a semicolon or the end of the line after the closing quote"));
  CHECK(says("a,b\n1,2\n", '\t') ==
        ":1: expected columns separated by tabs, got \"a,b\"; the file seems to be separated by commas: read it with --delimiter "
        "comma");
}

TEST_CASE("csv: rows with missing cells are dropped, and worse ones are not") {
  const Scratch scratch;
  CsvReader reader(scratch.write("t.csv", "a,b,c\n1,2,\n,3,x\n NA ,4,\n5,NaN,\n6,\"\",1\n7,8,null\n?,-,1\n"));
  reader.select({0, 1}, BadCell::drop_missing);
  TableRows rows;
  CHECK(reader.read(10, rows) == 2);
  CHECK(rows.columns == Columns{{1, 7}, {2, 8}});
  CHECK(reader.skipped() == 5);
  for (const char* const row : {",abc", "abc,", ",inf", "NA,1e400"}) {
    const std::string path = scratch.write("w.csv", "a,b\n1,2\n" + std::string(row) + "\n");
    CsvReader worse(path);
    CHECK(thrown<DataError>([&] { all(worse, 10, BadCell::drop_missing); }).starts_with(path + ":3:"));
  }
  CsvReader single(scratch.write("s.csv", "a\n1\n\n2\n"));
  CHECK(all(single, 10, BadCell::drop_missing) == Columns{{1, 2}});
  CHECK(single.skipped() == 1);
}

TEST_CASE("csv: missing cells can be kept, and a category that nobody knows is none") {
  const Scratch scratch;
  const std::string path = scratch.write("t.csv", "a,k\n1,x\nNA,y\n,NA\n");
  CsvReader reader(path);
  reader.select({0, 1}, BadCell::keep_missing, {{}, {.texts = {"x", "y"}}});
  TableRows rows;
  CHECK(reader.read(10, rows) == 3);
  CHECK(rows.columns[0][0] == 1);
  CHECK(rows.columns[1][1] == 1);
  for (const auto& [column, row] : {std::pair(0, 1), std::pair(0, 2), std::pair(1, 2)})
    CHECK(std::isnan(rows.columns[static_cast<std::size_t>(column)][static_cast<std::size_t>(row)]));
  CHECK(reader.skipped() == 0);
  for (const char* const row : {"1,none", ",z", "2,-", "abc,x"}) {
    const std::string worse = scratch.write("w.csv", "a,k\n1,x\n" + std::string(row) + "\n");
    for (const BadCell bad : {BadCell::keep_missing, BadCell::drop_missing}) {
      CsvReader refused(worse);
      refused.select({0, 1}, bad, {{}, {.texts = {"x", "y"}}});
      CHECK(thrown<DataError>([&] { refused.read(10, rows); }).starts_with(worse + ":3:"));
    }
  }
}
