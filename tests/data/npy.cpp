// .npy arrays: every type, order and version, by file and by pipe; malformed headers; names by place; missing numbers.
#include "data/npy.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "../core/scratch.h"
#include "core/error.h"
#include "data/compression.h"
#include "data/dataset.h"
#include "data/npy_reader.h"
#include "npy_bytes.h"
#include "support/allocations.h"

using namespace flowfit;
using core::DataError;
using data::BadCell;
using data::Columns;
using data::TableRows;
using test::header;
using test::literal;
using test::Scratch;
using test::thrown;

namespace {

template <class T>
std::string numbers(std::initializer_list<T> values) {
  std::string bytes(values.size() * sizeof(T), 0);
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

Columns read(const std::string& path, std::size_t limit = 2, BadCell bad = BadCell::error) {
  const auto reader = data::open_table(path);
  std::vector<std::size_t> fields(reader->header().size());
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = i;
  reader->select(fields, bad);
  Columns all(fields.size());
  TableRows rows;
  while (reader->read(limit, rows) > 0) {
    CHECK(rows.count <= limit);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].insert(all[i].end(), rows.columns[i].begin(), rows.columns[i].end());
  }
  return all;
}

/// The message about a file of these bytes, which allocates little.
std::string refusal(const std::string& bytes) {
  const Scratch scratch;
  const std::string path = scratch.write("t.npy", bytes);
  std::string message = thrown<DataError>([&] { read(path, 1000); });
  return message.starts_with(path) ? message.substr(path.size()) : message;
}

const Columns three_by_two = {{1, 3, 5}, {2, 4, 6}};

template <class T>
void reads(const char* descr) {
  CAPTURE(descr);
  const Scratch scratch;
  for (const int version : {1, 2, 3}) {
    const std::string c = header(literal(descr, "(3, 2)"), version) + numbers<T>({1, 2, 3, 4, 5, 6}),
                      fortran = header(literal(descr, "(3, 2)", true), version) + numbers<T>({1, 3, 5, 2, 4, 6});
    for (const std::size_t limit : {1u, 2u, 100u}) {
      CHECK(read(scratch.write("c.npy", c), limit) == three_by_two);
      CHECK(read(scratch.write("f.npy", fortran), limit) == three_by_two);
    }
    CHECK(read(scratch.write("v.npy", header(literal(descr, "(3,)"), version) + numbers<T>({7, 8, 9}))) == Columns{{7, 8, 9}});
  }
}

}  // namespace

TEST_CASE("npy: every type, order, version and number of dimensions") {
  reads<float>("<f4");
  reads<double>("<f8");
  reads<std::int8_t>("|i1");
  reads<std::int16_t>("<i2");
  reads<std::int32_t>("<i4");
  reads<std::int64_t>("<i8");
  reads<std::uint8_t>("|u1");
  reads<std::uint16_t>("<u2");
  reads<std::uint32_t>("<u4");
  reads<std::uint64_t>("<u8");
  const Scratch scratch;
  CHECK(read(scratch.write("s.npy", header(literal("<i2", "(2,)")) + numbers<std::int16_t>({-5, 300}))) == Columns{{-5, 300}});
  CHECK(read(scratch.write("u.npy", header(literal("<u2", "(1,)")) + numbers<std::uint16_t>({65535}))) == Columns{{65535}});
  CHECK(read(scratch.write("f.npy", header(literal("<f4", "(1,)")) + numbers<float>({0.1f}))) == Columns{{0.1f}});
  // As NumPy 1 wrote them: other keys' order, long integers never; and what other writers do: quotes, no comma at the end.
  const std::string other = R"({"shape": (3, 2), "fortran_order": False, "descr": "<f8"})";
  CHECK(read(scratch.write("o.npy", header(other) + numbers<double>({1, 2, 3, 4, 5, 6}))) == three_by_two);
}

TEST_CASE("npy: names by place where the count fits, else x1 … xD") {
  const Scratch scratch;
  const std::string path = scratch.write("t.npy", header(literal("<f8", "(3, 2)")) + numbers<double>({1, 2, 3, 4, 5, 6}));
  CHECK(data::open_table(path)->header() == std::vector<std::string>{"x1", "x2"});
  CHECK(data::open_table(path, {.names = {{"a"}, {"b", "c"}, {"d", "e"}}})->header() == std::vector<std::string>{"b", "c"});
  CHECK(!data::open_table(path)->header_is_numeric());
  const data::Dataset some = data::read_dataset(path, {.wanted = {"x2"}});
  CHECK(some.columns == Columns{{2, 4, 6}});

  const auto reader = data::open_table(path, {.keep_text = true, .names = {{"a,b", "c"}}});
  CHECK(reader->header_line() == "\"a,b\",c");
  reader->select({1, 0, 1});
  TableRows rows;
  CHECK(reader->read(2, rows) == 2);
  CHECK(rows.columns == Columns{{2, 4}, {1, 3}, {2, 4}});
  CHECK(rows.lines == std::vector<std::string>{"1,2", "3,4"});
  CHECK_THROWS_AS(reader->select({2}), std::out_of_range);
}

TEST_CASE("npy: a cell that is no finite number has its place; missing ones can be dropped") {
  const Scratch scratch;
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const auto file = [&](double a, double b) {
    return scratch.write("t.npy", header(literal("<f8", "(3, 2)")) + numbers<double>({1, 2, 3, a, b, 6}));
  };
  const std::string path = file(nan, inf);
  CHECK(thrown<DataError>([&] { read(path); }) == path +
                                                      ": row 2, column 2 (x2): expected a finite number, got nan; fill the cell, "
                                                      "drop the row, or say under data.missing what missing values do");
  CHECK(read(path, 100, BadCell::skip) == Columns{{1}, {2}});
  CHECK(thrown<DataError>([&] { read(path, 100, BadCell::drop_missing); }) ==
        path + ": row 3, column 1 (x1): expected a finite number, got inf; an infinite value has no density: drop the row");
  const Columns as_nan = read(path, 100, BadCell::nan);
  CHECK(as_nan[0].size() == 3);
  CHECK(std::isnan(as_nan[0][2]));  // not an infinity
  const data::Dataset dropped = data::read_dataset(file(nan, 5), {.bad = BadCell::drop_missing});
  CHECK(dropped.columns == Columns{{1, 5}, {2, 6}});
  CHECK(dropped.dropped == 1);
  CHECK(std::isnan(read(file(nan, 5), 100, BadCell::keep_missing)[1][1]));
  CHECK(thrown<DataError>([&] { read(file(nan, inf), 100, BadCell::keep_missing); }).find("got inf") != std::string::npos);
  for (const BadCell bad : {BadCell::keep_missing, BadCell::drop_missing}) {
    const auto reader = data::open_table(file(4, 5));
    reader->select({0}, bad, {{.texts = {"1", "3"}}});
    data::TableRows rows;
    CHECK(thrown<DataError>([&] { reader->read(10, rows); }).find("expected a category that the model knows, got \"5\"") !=
          std::string::npos);
  }
}

TEST_CASE("npy: a pipe and a compressed file give the same rows; columns one after another need the file") {
  const Scratch scratch;
  const std::string bytes = header(literal("<f8", "(3, 2)")) + numbers<double>({1, 2, 3, 4, 5, 6});
  const auto piped = [&](const std::string& text) {
    const std::string path = scratch.path("pipe");
    ::unlink(path.c_str());
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    std::thread writer([&] {
      const int to = ::open(path.c_str(), O_WRONLY);
      for (std::size_t i = 0; i < text.size(); i += 7)
        if (::write(to, text.data() + i, std::min<std::size_t>(7, text.size() - i)) < 0) break;
      ::close(to);
    });
    Columns rows;
    std::string message = thrown<DataError>([&] { rows = read(path); });
    writer.join();
    return std::pair(rows, message.starts_with(path) ? message.substr(path.size()) : message);
  };
  CHECK(piped(bytes).first == three_by_two);
  CHECK(piped(bytes.substr(0, bytes.size() - 9)).second == ": expected 3 rows, got the end of the file in row 3; is it cut off?");
  CHECK(piped(bytes + "x").second == ": expected 3 rows, got more bytes after them");
  CHECK(piped(header(literal("<f8", "(3, 2)", true))).second ==
        ": expected an array in C order from a pipe or a compressed file, got Fortran order; give the .npy file itself, or save "
        "np.ascontiguousarray(a)");
  std::string packed;
  data::gzip_compressor()->compress(bytes, packed, data::Compressor::Until::end);
  CHECK(read(scratch.write("t.npy.gz", packed)) == three_by_two);
}

TEST_CASE("npy: each malformed file is one clear error") {
  const std::string good = literal("<f8", "(3, 2)"), values = numbers<double>({1, 2, 3, 4, 5, 6});
  CHECK(refusal(header(literal(">f8", "(3, 2)")) + values) ==
        ": expected little-endian numbers of type f4, f8, i1 to i8 or u1 to u8, got \">f8\"; convert them first, in Python for "
        "example "
        "with a.astype('<f8')");
  for (const char* const descr : {"<f2", "|b1", "|O", "<c16", "<U3", "|S1", "<M8[ns]", "", "f8", "=f8"})
    CHECK(refusal(header(literal(descr, "(3, 2)")) + values).starts_with(": expected little-endian numbers of type"));
  CHECK(refusal(header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }")) ==
        ": expected an array of numbers, got a structured array; save its fields as the columns of a plain 2-D array");
  CHECK(refusal(header(literal("<f8", "()")) + values) ==
        ": expected an array of one or two dimensions, got shape (); save rows x columns");
  CHECK(refusal(header(literal("<f8", "(3, 2, 1)")) + values) ==
        ": expected an array of one or two dimensions, got shape (3, 2, 1); save rows x columns");
  CHECK(refusal(header(literal("<f8", "(3, 0)"))) == ": expected at least one column, got shape (3, 0)");
  CHECK(refusal(header(good) + values.substr(1)) == ": expected 48 bytes of numbers, got 47; is the file cut off?");
  CHECK(refusal(header(good) + values + "x") == ": expected 48 bytes of numbers, got 49; is there something after the array?");
  // Sizes that would overflow, and one that memory could not hold: no allocation follows the header's word.
  for (const char* const shape : {"(4611686018427387904, 2)", "(18446744073709551615, 1)", "(4294967296, 4294967296)"})
    CHECK(refusal(header(literal("<f8", shape))) ==
          ": expected fewer than 2^63 bytes, got shape " + std::string(shape) + "; is the .npy file damaged?");
  CHECK(refusal(header(literal("<f8", "(1000000000, 1000000)")))
            .starts_with(": expected 8000000000000000 bytes of numbers, got 0"));
  CHECK(refusal(header(literal("<f8", "(0, 2)"))) == "nothing thrown");

  for (const char* const text :
       {"", "{}", "[]", "{'descr': '<f8'}", "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (3, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), 'more': 1}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, -2)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 3}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3.0, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)} x",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f8, 'fortran_order': False, 'shape': (3, 2)}", "{'descr': '<f8' 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), "})
    CHECK(refusal(header(text) + values)
              .starts_with(": expected a header such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }, got "));

  const std::string whole = header(good) + values;
  for (std::size_t size = 6; size < 128; ++size) CHECK(refusal(whole.substr(0, size)) != "nothing thrown");
  CHECK(refusal(whole.substr(0, 40)) == ": expected a whole .npy header, got the end of the file; is the file cut off?");
  std::string version = whole;
  version[6] = 4;
  CHECK(refusal(version) == ": expected a .npy file of version 1.0, 2.0 or 3.0, got 4.0");
  std::string long_header = header(good, 2) + values;
  long_header[11] = 0x7F;
  CHECK(refusal(long_header).starts_with(": expected a .npy header of at most 65536 bytes, got 2130706"));
}

TEST_CASE("npy: a header written is a header read, of 128 bytes whatever it counts") {
  for (const std::uint64_t rows : {std::uint64_t{0}, std::uint64_t{12}, std::uint64_t{1} << 40})
    for (const std::uint64_t columns : {0, 1, 1000000}) {
      const std::string bytes = data::npy_header(rows, columns);
      CHECK(bytes.size() == 128);
      const data::NpyHeader header = data::parse_npy_header(bytes, "t");
      CHECK(header.rows == rows);
      CHECK(header.columns == std::max<std::uint64_t>(columns, 1));
      CHECK(header.offset == 128);
      CHECK(!header.fortran_order);
      CHECK(header.type == data::NpyType::float64);
    }
}
