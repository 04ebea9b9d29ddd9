// The thread pool: every task once, the lowest task's exception, no heap.
#include "core/parallel.h"

#include <doctest/doctest.h>

#include <numeric>
#include <stdexcept>
#include <string>

#include "support/allocations.h"

using namespace flowfit;
using core::ThreadPool;

TEST_CASE("parallel: every task runs once, on a worker that exists") {
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    CHECK(pool.size() == threads);
    for (const int tasks : {0, 1, 2, 7, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(tasks), 0);
      std::atomic<bool> sound{true};
      for (int round = 0; round < 20; ++round) {
        pool.run(tasks, [&](int task, int worker) {
          ++runs[static_cast<std::size_t>(task)];
          if (worker < 0 || worker >= threads) sound = false;
        });
      }
      CHECK(sound);
      CHECK(std::accumulate(runs.begin(), runs.end(), 0) == 20 * tasks);
      CHECK(std::all_of(runs.begin(), runs.end(), [](int n) { return n == 20; }));
    }
  }
}

TEST_CASE("parallel: the exception of the lowest task comes out, and the pool goes on") {
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      std::string met;
      try {
        pool.run(64, [](int task, int) {
          if (task % 8 == 5) throw std::runtime_error(std::to_string(task));
        });
      } catch (const std::runtime_error& error) {
        met = error.what();
      }
      CHECK(met == "5");
      std::atomic<int> runs{0};
      pool.run(10, [&](int, int) { ++runs; });
      CHECK(runs == 10);
    }
  }
}

TEST_CASE("parallel: a round makes no heap allocation") {
  ThreadPool pool(3);
  std::atomic<int> sum{0};
  const auto body = [&](int task, int) { sum += task; };
  pool.run(10, body);
  const std::size_t before = test::allocations();
  for (int round = 0; round < 10; ++round) pool.run(10, body);
  CHECK(test::allocations() == before);
  CHECK(sum == 11 * 45);
}
