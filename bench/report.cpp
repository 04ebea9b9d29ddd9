// The table of docs/performance.md: step times beside the machine's GEMM ceiling, interleaved in one run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "autodiff/ops/gemm.h"
#include "core/build.h"
#include "work.h"

namespace {

using namespace flowfit;
using Clock = std::chrono::steady_clock;

/// Runs `body` for about `seconds` and returns the seconds of one call.
template <class Body>
double time_of(double seconds, const Body& body) {
  long calls = 0;
  const auto start = Clock::now();
  double spent = 0;
  do {
    body();
    ++calls;
    spent = std::chrono::duration<double>(Clock::now() - start).count();
  } while (spent < seconds);
  return spent / static_cast<double>(calls);
}

/// Plain products of one shape, each thread its own matrices: what the processor can give.
class Ceiling {
 public:
  Ceiling(autodiff::Index rows, autodiff::Index inner, autodiff::Index cols, int threads)
      : rows_(rows), inner_(inner), cols_(cols), threads_(threads), pool_(threads) {
    for (int t = 0; t < threads; ++t) {
      a_.push_back(autodiff::Matrix<float>::Constant(rows, inner, 0.5f));
      b_.push_back(autodiff::Matrix<float>::Constant(inner, cols, 0.25f));
      c_.push_back(autodiff::Matrix<float>::Zero(rows, cols));
    }
  }
  double gflops(double seconds) {
    const double one = time_of(seconds, [&] {
      pool_.run(threads_, [&](int task, int) {
        const auto t = static_cast<std::size_t>(task);
        for (int i = 0; i < 8; ++i)
          autodiff::multiply<float>({a_[t].data(), rows_, inner_, rows_}, {b_[t].data(), inner_, cols_, inner_},
                                    {c_[t].data(), rows_, cols_, rows_}, false);
      });
    });
    return 2.0 * 8 * threads_ * static_cast<double>(rows_ * inner_ * cols_) / one * 1e-9;
  }

 private:
  autodiff::Index rows_, inner_, cols_;
  int threads_;
  core::ThreadPool pool_;
  std::vector<autodiff::Matrix<float>> a_, b_, c_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

constexpr const char* usage =
    "usage: flowfit_report [--rounds N] [--seconds S] [CASE …]\n\n"
    "Times each case with one thread and two, and plain matrix products between them, in rounds; prints medians as a Markdown "
    "table.\n";

}  // namespace

int main(int argc, char** argv) {
  int rounds = 7;
  double seconds = 0.3;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--rounds") && i + 1 < argc)
      rounds = std::stoi(argv[++i]);
    else if (!std::strcmp(argv[i], "--seconds") && i + 1 < argc)
      seconds = std::stod(argv[++i]);
    else if (argv[i][0] == '-')
      return std::fputs(usage, stderr), 2;
    else
      names.emplace_back(argv[i]);
  }
  if (names.empty())
    for (const bench::Case& c : bench::cases()) names.push_back(c.name);

  // The best of several shapes, so that no unlucky one lowers the ceiling.
  std::vector<std::unique_ptr<Ceiling>> ceilings[2];
  for (const int threads : {1, 2})
    for (const auto& [m, k, n] : {std::tuple{96, 256, 256}, {144, 256, 256}, {192, 512, 512}, {480, 480, 480}, {960, 256, 256}})
      ceilings[threads - 1].push_back(std::make_unique<Ceiling>(m, k, n, threads));
  std::vector<double> best[2];
  std::map<std::string, std::vector<double>> times[2];
  std::map<std::string, std::unique_ptr<bench::Work>> works[2];
  for (const std::string& name : names)
    for (const int threads : {1, 2}) {
      auto& work = works[threads - 1][name] = std::make_unique<bench::Work>(bench::case_named(name), threads);
      for (int i = 0; i < 3; ++i) work->step();
    }
  for (int round = 0; round < rounds; ++round) {
    for (const int threads : {1, 2}) {
      double top = 0;
      for (const auto& ceiling : ceilings[threads - 1]) top = std::max(top, ceiling->gflops(seconds / 5));
      best[threads - 1].push_back(top);
      for (const std::string& name : names)
        times[threads - 1][name].push_back(time_of(seconds, [&] { works[threads - 1][name]->step(); }));
    }
  }
  const double ceiling[2] = {median(best[0]), median(best[1])};
  std::printf("%s, %s; %u CPUs; medians of %d rounds\n\n", core::compiler(), core::instruction_set(),
              std::thread::hardware_concurrency(), rounds);
  std::printf("GEMM ceiling: %.1f GFLOP/s with one thread, %.1f with two (scaling %.2f)\n\n", ceiling[0], ceiling[1],
              ceiling[1] / ceiling[0]);
  std::printf(
      "| case | threads | ms a step | rows/s | effective GFLOP/s | of the ceiling | scaling |\n|---|---|---|---|---|---|---|\n");
  for (const std::string& name : names) {
    const bench::Case& c = bench::case_named(name);
    const double one = median(times[0][name]);
    for (const int threads : {1, 2}) {
      const double time = median(times[threads - 1][name]);
      std::printf("| %s | %d | %.4g | %.4g |", name.c_str(), threads, 1e3 * time, c.rows / time);
      if (c.weights > 0 && c.kind == "train") {
        const double gflops = 6 * c.weights * c.rows / time * 1e-9;
        std::printf(" %.1f | %.0f %% |", gflops, 100 * gflops / ceiling[threads - 1]);
      } else {
        std::printf(" | |");
      }
      if (threads == 2) std::printf(" %.2f", one / time);
      std::printf(" |\n");
    }
  }
}
