// Runs one case for scripts/bench_peers: `flowfit_worker CASE THREADS`, then "go N" lines on stdin, each answered by seconds.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "work.h"

int main(int argc, char** argv) {
  using namespace flowfit;
  if (argc != 3) {
    std::fprintf(stderr, "usage: flowfit_worker CASE THREADS\ncases:");
    for (const bench::Case& c : bench::cases()) std::fprintf(stderr, " %s", c.name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  const bench::Case& c = bench::case_named(argv[1]);
  bench::Work work(c, std::stoi(argv[2]));
  for (int i = 0; i < 20; ++i) work.step();
  std::printf("ready {\"weights\": %.0f, \"note\": \"\"}\n", c.weights);
  std::fflush(stdout);
  std::string word;
  for (long steps = 0; std::cin >> word >> steps;) {
    const auto start = std::chrono::steady_clock::now();
    for (long i = 0; i < steps; ++i) work.step();
    std::printf("%.9f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::fflush(stdout);
  }
}
