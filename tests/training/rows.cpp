// Rows that stay in their file train the same model, bit for bit, as those in memory; and what is looked at of a very long table.
#include "training/rows.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "../core/scratch.h"
#include "data/table_writer.h"
#include "fixture.h"
#include "training/prepare.h"

using namespace flowfit;
using test::Scratch;

namespace {

/// Numbers, whole numbers, categories, a context, weights (some of them 0) and a missing cell.
std::string write_table(const Scratch& scratch, std::size_t rows) {
  data::Columns columns = test::banana(rows).columns;
  columns.resize(5);
  for (std::size_t i = 0; i < rows; ++i) {
    columns[2].push_back(std::floor(3 * columns[0][i]));
    columns[3].push_back(columns[1][i] > 1 ? 20 : -5);
    columns[4].push_back(static_cast<double>(i % 5) / 2);
  }
  columns[1][17] = std::nan("");
  std::string bytes = data::npy_header(rows, columns.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (const auto& column : columns) bytes.append(reinterpret_cast<const char*>(&column[i]), sizeof(double));
  return scratch.write("t.npy", bytes);
}

training::Request request(const Scratch& scratch, const std::string& path, const std::string& name, bool stays,
                          const std::string& layer) {
  training::Request r;
  r.config = R"({"data": {"columns": ["x1", {"name": "x3", "kind": "integer"}, {"name": "x4", "kind": "categorical"}],
      "context": [{"name": "x2", "preprocess": "quantile"}], "weight": "x5", "validation": 0.3}, "flow": [)" +
             layer +
             R"({"type": "coupling", "univariate": {"type": "spline", "bins": 4}, "net": {"hidden": [8], "dropout": 0.1}}],
      "train": {"batch_size": 50, "steps": 20, "jitter": 0.01, "seed": 3}})";
  r.config_name = "t.json";
  r.data = data::read_dataset(path, {.wanted = {"x1", "x3", "x4", "x2", "x5"},
                                     .categorical = {"x4"},
                                     .bad = data::BadCell::drop_missing,
                                     .most_bytes = stays ? 0 : UINT64_MAX});
  r.directory = scratch.path(name);
  r.threads = stays ? 2 : 1;
  return r;
}

}  // namespace

TEST_CASE("rows: from their file or from memory, the model has the same bits") {
  const Scratch scratch;
  const std::string path = write_table(scratch, 1200);
  for (const std::string layer : {"", R"({"type": "act_norm"}, )", R"({"type": "batch_norm"}, )"}) {
    CAPTURE(layer);
    training::Observer quiet;
    const std::string memory = "memory" + std::to_string(layer.size()), file = "file" + std::to_string(layer.size());
    const training::Request from_file = request(scratch, path, file, true, layer);
    REQUIRE(from_file.data.file);
    CHECK(from_file.data.dropped == 1);
    const training::Summary a = training::train(request(scratch, path, memory, false, layer), quiet),
                            b = training::train(from_file, quiet);
    CHECK(a.rows == b.rows);
    CHECK(a.train_nll == b.train_nll);
    CHECK(a.mixture_nll == b.mixture_nll);
    CHECK((scratch.read(memory + "/model.safetensors") == scratch.read(file + "/model.safetensors")));
  }
}

TEST_CASE("rows: a training begun in memory goes on from the file") {
  const Scratch scratch;
  const std::string path = write_table(scratch, 600);
  training::Observer quiet;
  (void)training::train(request(scratch, path, "whole", false, ""), quiet);
  test::StopAfter seven(7);
  CHECK(training::train(request(scratch, path, "parts", false, ""), seven).interrupted());
  training::Request rest = request(scratch, path, "parts", true, "");
  rest.resume = true;
  (void)training::train(rest, quiet);
  CHECK((scratch.read("whole/model.safetensors") == scratch.read("parts/model.safetensors")));
}

TEST_CASE("part: limits are those of all rows, and the rows to look at are drawn from all of them") {
  constexpr std::size_t extra = 5000, n = training::most_looked_at + extra;
  data::Dataset table{"long", {"a", "b"}, {std::vector<double>(n), std::vector<double>(n, 1.0)}};
  std::iota(table.columns[0].begin(), table.columns[0].end(), 0.0);
  table.columns[1][n / 2] = 2.5;
  flow::Settings settings;
  settings.columns = {"b"};
  settings.context = {"a"};
  settings.validation = 0;
  const training::Parts parts = training::split(settings, table, nullptr);
  CHECK(parts.train.count() == n);
  CHECK(parts.extremes == data::Columns{{1, 2.5, 2.5}, {0, static_cast<double>(n - 1)}});
  const training::Part sample = parts.train.sample(1);
  REQUIRE(sample.count() == training::most_looked_at);
  const std::vector<double> seen = sample.context().front();
  CHECK(std::ranges::is_sorted(seen));
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
  // What is left out is spread over the table: its mean is near the middle.
  double left_out = 0;
  for (const double value : table.columns[0]) left_out += value;
  for (const double value : seen) left_out -= value;
  left_out /= static_cast<double>(extra);
  const double deviation = static_cast<double>(n) / std::sqrt(12.0 * static_cast<double>(extra));
  CHECK(std::abs(left_out - static_cast<double>(n) / 2) < 4 * deviation);
  CHECK(parts.train.sample(2).context().front() != seen);
  CHECK(sample.sample(2).context().front() == seen);
  // All rows train; the starts are set by those looked at.
  const data::Schema schema{{{.name = "b"}}, {{.name = "a"}}};
  const auto rows = training::encoded<float>(schema, parts.train, 1);
  CHECK(rows.count == n);
  CHECK(rows.x.size() == n);
  CHECK(rows.looked_at().count == training::most_looked_at);
  const auto few = training::encoded<float>(schema, sample, 1);
  CHECK(&few.looked_at() == &few);
}

TEST_CASE("part: of a long table with missing cells the whole rows are looked at") {
  constexpr std::size_t gaps = 3000, n = training::most_looked_at + 2 * gaps;
  data::Dataset table{"long", {"a"}, {std::vector<double>(n, 1.0)}};
  for (std::size_t i = 0; i < gaps; ++i) table.columns[0][i % 2 == 0 ? i : n - i] = std::nan("");
  flow::Settings settings;
  settings.columns = {"a"};
  settings.validation = 0;
  settings.missing = flow::Missing::marginalize;
  const training::Parts parts = training::split(settings, table, nullptr);
  CHECK(parts.train.whole().size() == n - gaps);
  const training::Part sample = parts.train.sample(1);
  REQUIRE(sample.count() == training::most_looked_at);
  CHECK(std::ranges::none_of(sample.x().front(), [](double value) { return std::isnan(value); }));
  CHECK(std::ranges::count_if(parts.train.x().front(), [](double value) { return std::isnan(value); }) == gaps);
}

TEST_CASE("rows: blocks are padded with copies of their first row, and whole numbers come as they are") {
  const Scratch scratch;
  const std::string path = write_table(scratch, 300);
  for (const bool stays : {false, true}) {
    CAPTURE(stays);
    const training::Request r = request(scratch, path, "run", stays, "");
    training::Plan plan = training::read_plan(r.config, "c", r.data.names);
    training::take_categories(plan, r.data);
    const training::Parts parts = training::split(plan.flow, r.data, nullptr);
    const data::Schema schema = training::fit_schema(plan, parts);
    const auto rows = training::encoded<double>(schema, parts.train, 5);
    CHECK((rows.file != nullptr) == stays);
    CHECK(rows.integers == std::vector<std::size_t>{1});
    training::Rows<double>::Buffer buffer;
    std::vector<double> x(16 * 3), context(16), whole(16), again(16 * 3), other(16);
    const std::vector<std::uint32_t> places{4, 9, 2};
    rows.load(places, 16, x.data(), context.data(), whole.data(), buffer);
    data::Columns values, given;
    parts.train.read(places, values, given);
    for (std::size_t i = 0; i < 16; ++i) {
      const std::size_t row = i < 3 ? i : 0;
      CHECK(whole[i] == values[1][row]);
      CHECK(x[i] == schema.columns[0].at(values[0][row]).value);
      CHECK(x[2 * 16 + i] == values[2][row]);
      CHECK(context[i] == schema.context[0].at(given[0][row]).value);
    }
    // One after the other, whole numbers lie in their cells where their rows' numbers put them.
    rows.load(4, 2, 16, again.data(), other.data(), buffer);
    CHECK(again[0] == x[0]);
    CHECK(other[0] == context[0]);
    CHECK(again[15] == again[0]);
    CHECK(std::floor(schema.columns[1].back(again[16])) == whole[0]);
    CHECK(schema.columns[1].back(again[16]) != whole[0]);
  }
}
