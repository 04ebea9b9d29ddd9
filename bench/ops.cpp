// google-benchmark programs of the single ops, one training step, scoring, sampling, and CSV.
#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "autodiff/ops/dense.h"
#include "autodiff/ops/spline.h"
#include "autodiff/tape.h"
#include "core/text.h"
#include "data/csv.h"
#include "work.h"

namespace {

using namespace flowfit;
using autodiff::Index;
using autodiff::Mode;
using autodiff::Tape;
using autodiff::Var;

constexpr Index rows = 96;

/// Numbers in (−2, 2) that a benchmark may read and differentiate; they outlive the tape.
struct Input {
  Input(Index r, Index c) : values(static_cast<std::size_t>(r * c)), adjoints(values.size()), rows(r), cols(c) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(2 * std::sin(1.7 * static_cast<double>(i)));
  }
  Var<float> var() { return {values.data(), adjoints.data(), rows, cols}; }
  std::vector<float> values, adjoints;
  Index rows, cols;
};

void dense(benchmark::State& state) {
  const Index units = state.range(0);
  const bool masked = state.range(1) != 0, backward = state.range(2) != 0;
  Input x(rows, units), w(units, units), b(1, units);
  std::vector<int> prefix;
  for (Index j = 0; masked && j < units; ++j) prefix.push_back(static_cast<int>((j / (units / 8) + 1) * (units / 8)));
  Tape<float> tape;
  for (auto _ : state) {
    tape.reset(Mode::differentiate);
    const Var<float> y =
        autodiff::dense<float>(tape, {w.var(), b.var(), masked ? prefix.data() : nullptr, autodiff::Activation::relu}, x.var());
    benchmark::DoNotOptimize(y.value);
    if (backward) tape.backward();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2.0 * (backward ? 3 : 1) * rows * static_cast<double>(units * units) * 1e-9,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(dense)->ArgNames({"units", "masked", "backward"})->ArgsProduct({{64, 256, 512}, {0, 1}, {0, 1}});

void spline(benchmark::State& state) {
  autodiff::SplineShape shape;
  shape.kind = state.range(0) ? autodiff::SplineKind::rational_linear : autodiff::SplineKind::rational_quadratic;
  shape.bins = static_cast<int>(state.range(1));
  shape.bound = 3;
  const Index features = 6;
  Input x(rows, features), raw(rows, features * shape.parameters());
  Tape<float> tape;
  for (auto _ : state) {
    tape.reset(Mode::differentiate);
    const auto m = autodiff::spline_map(tape, shape, x.var(), raw.var(), state.range(2) != 0);
    benchmark::DoNotOptimize(m.value.value);
    if (state.range(3)) tape.backward();
  }
  state.SetItemsProcessed(state.iterations() * rows * features);
}
BENCHMARK(spline)->ArgNames({"linear", "bins", "inverse", "backward"})->ArgsProduct({{0, 1}, {4, 8, 16}, {0, 1}, {0, 1}});

void work(benchmark::State& state, const bench::Case& c) {
  bench::Work one(c, static_cast<int>(state.range(0)));
  for (auto _ : state) one.step();
  state.SetItemsProcessed(state.iterations() * c.rows);
}

/// A CSV of `n` rows by two columns, as sample writes it.
std::string table(int n) {
  std::string text = "x1,x2\n";
  for (int i = 0; i < n; ++i) {
    core::append_number(text, 3 * std::sin(0.1 * i));
    text += ',';
    core::append_number(text, std::cos(1.3 * i));
    text += '\n';
  }
  return text;
}

void csv_read(benchmark::State& state) {
  const auto path = std::filesystem::temp_directory_path() / "flowfit-bench.csv";
  const std::string text = table(200000);
  std::ofstream(path) << text;
  for (auto _ : state) {
    data::CsvReader reader(path.string());
    reader.select({0, 1});
    data::TableRows some;
    while (reader.read(10000, some) > 0) benchmark::DoNotOptimize(some.columns.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  std::filesystem::remove(path);
}
BENCHMARK(csv_read)->Unit(benchmark::kMillisecond);

void csv_write(benchmark::State& state) {
  std::size_t bytes = 0;
  for (auto _ : state) bytes += table(200000).size();
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(csv_write)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  for (const bench::Case& c : bench::cases())
    benchmark::RegisterBenchmark((c.kind + "/" + c.name).c_str(), [&c](benchmark::State& state) { work(state, c); })
        ->ArgName("threads")
        ->Arg(1)
        ->Arg(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
