// Tables out: the format by the name, the same numbers back, whole files or none.
#include "data/table_writer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../core/scratch.h"
#include "core/error.h"
#include "data/dataset.h"
#include "data/npy.h"

using namespace flowfit;
using data::Columns;
using data::TableFormat;
using data::TableWriter;
using test::Scratch;
using test::thrown;

namespace {

std::string written(const std::string& name, const std::vector<data::Heading>& headings, const Columns& columns, int threads = 1,
                    std::size_t calls = 1) {
  const Scratch scratch;
  core::ThreadPool pool(threads);
  TableWriter out(scratch.path(name), headings, pool);
  const std::size_t n = columns.front().size();
  for (std::size_t call = 0; call < calls; ++call) {
    Columns part;
    for (const auto& column : columns)
      part.emplace_back(column.begin() + static_cast<std::ptrdiff_t>(n * call / calls),
                        column.begin() + static_cast<std::ptrdiff_t>(n * (call + 1) / calls));
    out.write({&part}, part.front().size());
  }
  CHECK(!std::filesystem::exists(scratch.path(name)));
  out.close();
  CHECK(scratch.files() == 1);
  return scratch.read(name);
}

}  // namespace

TEST_CASE("table_format: the end of a name decides") {
  using Kind = TableFormat::Kind;
  using Compression = TableFormat::Compression;
  CHECK(data::format_of("a.csv") == TableFormat{});
  CHECK(data::format_of("-") == TableFormat{});
  CHECK(data::format_of("scores.txt") == TableFormat{});
  CHECK(data::format_of("npy") == TableFormat{});
  CHECK(data::format_of("a.tsv") == TableFormat{Kind::tsv, Compression::none});
  CHECK(data::format_of("A.TSV.GZ") == TableFormat{Kind::tsv, Compression::gzip});
  CHECK(data::format_of("a.csv.zst") == TableFormat{Kind::csv, Compression::zstd});
  CHECK(data::format_of("a.gz") == TableFormat{Kind::csv, Compression::gzip});
  CHECK(data::format_of("dir.npy/a.jsonl") == TableFormat{Kind::jsonl, Compression::none});
  CHECK(data::format_of("a.npy") == TableFormat{Kind::npy, Compression::none});
}

TEST_CASE("table_writer: each format, letter by letter") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::vector<data::Heading> headings = {{"row", true}, {"a,\"b"}, {"t\tu"}};
  const Columns columns = {{100000, 2}, {100000, -0.5}, {nan, -inf}};
  CHECK(written("t.csv", headings, columns) == "row,\"a,\"\"b\",t\tu\n100000,100000,nan\n2,-0.5,-inf\n");
  CHECK(written("t.tsv", headings, columns) == "row\t\"a,\"\"b\"\t\"t\tu\"\n100000\t100000\tnan\n2\t-0.5\t-inf\n");
  CHECK(written("t.jsonl", headings, columns) ==
        "{\"row\":100000,\"a,\\\"b\":100000,\"t\\tu\":null}\n{\"row\":2,\"a,\\\"b\":-0.5,\"t\\tu\":null}\n");
  CHECK(written("t.npy", headings, columns).size() == 128 + 6 * 8);
  CHECK(written("t.npy", {{"a"}}, {{1, 2}}).starts_with(data::npy_header(2, 0)));
}

TEST_CASE("table_writer: any format but JSON lines reads back, and neither calls nor threads change a byte") {
  Columns columns(3);
  for (std::size_t i = 0; i < 5000; ++i) {
    columns[0].push_back(static_cast<double>(i) * 0.1);
    columns[1].push_back(std::exp(std::sin(static_cast<double>(i)) * 600));
    columns[2].push_back(-static_cast<double>(i % 7));
  }
  const std::vector<data::Heading> headings = {{"x1"}, {"x2"}, {"x3"}};
  for (const char* const name : {"t.csv", "t.tsv", "t.csv.gz", "t.tsv.gz", "t.csv.zst", "t.npy", "t.jsonl.gz"}) {
    CAPTURE(name);
    const std::string bytes = written(name, headings, columns);
    CHECK((written(name, headings, columns, 2, 3) == bytes));
    if (std::string(name) == "t.jsonl.gz") continue;
    const Scratch scratch;
    CHECK((data::read_dataset(scratch.write(name, bytes)).columns == columns));
  }
}

TEST_CASE("table_writer: a flushed stream can be read so far, and rows keep their text") {
  const Scratch scratch;
  core::ThreadPool pool(1);
  const Columns score = {{0.5, -2}};
  const std::vector<std::string> lines = {"\"a b\",1", "c,2"};
  {
    TableWriter out(scratch.path("t.csv"), "name,x", ',', {{"logprob"}}, pool);
    out.write({&score}, 2, lines);
    out.flush();
    out.close();
  }
  CHECK(scratch.read("t.csv") == "name,x,logprob\n\"a b\",1,0.5\nc,2,-2\n");
  for (const char* const name : {"t.npy", "t.jsonl"})
    CHECK(thrown<core::ConfigError>([&] { TableWriter(scratch.path(name), "name", ',', {{"logprob"}}, pool); }) ==
          scratch.path(name) + ": expected a .csv or .tsv file for rows that are kept as they are written");
  CHECK(thrown<core::ConfigError>([&] { TableWriter(scratch.path("t.npy.gz"), {{"a"}}, pool); }) ==
        scratch.path("t.npy.gz") +
            ": expected a .npy file that is not compressed; its header counts the rows when they are written");
  CHECK(scratch.files() == 1);
}
