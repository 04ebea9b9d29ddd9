// Probability integral transforms, the test of uniformity, and coverage: right of a right model, and seen to be wrong of a wrong one.
#include "diagnostics/calibration.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/random.h"

using namespace flowfit::diagnostics;

namespace {

std::vector<double> normals(std::size_t count, std::uint64_t row) {
  std::vector<double> values(count);
  flowfit::core::RandomKey{3}.normals(row, values);
  return values;
}

}  // namespace

TEST_CASE("calibration: the transform of normals") {
  const std::vector<double> u = normal_pit(std::vector<double>{0, 1.959963984540054, -1.959963984540054, 40});
  CHECK(u[0] == 0.5);
  CHECK(u[1] == doctest::Approx(0.975).epsilon(1e-12));
  CHECK(u[2] == doctest::Approx(0.025).epsilon(1e-12));
  CHECK(u[3] == 1);
}

TEST_CASE("calibration: ranks among draws, equals one half") {
  CHECK(rank_pit(std::vector<double>{0, 2, 2.5, 9}, std::vector<double>{4, 2, std::nan(""), 1, 3}) ==
        std::vector<double>{0, 0.375, 0.5, 1});
}

TEST_CASE("calibration: the p-value of Kolmogorov and Smirnov") {
  // Ten numbers in the middle of ten cells: the smallest distance there is.
  std::vector<double> even;
  for (int i = 0; i < 10; ++i) even.push_back((i + 0.5) / 10);
  CHECK(uniformity(even).statistic == doctest::Approx(0.05));
  CHECK(uniformity(even).p_value == 1);
  // Tables of the limiting distribution: 1.3581 is passed with probability 0.05.
  const std::size_t n = 1000000;
  std::vector<double> shifted;
  const double distance = 1.3581 / (1000 + 0.12 + 0.11 / 1000);
  for (std::size_t i = 0; i < n; ++i)
    shifted.push_back(std::min(1.0, (static_cast<double>(i) + 1) / static_cast<double>(n) + distance));
  CHECK(uniformity(shifted).p_value == doctest::Approx(0.05).epsilon(0.001));
  // Ranks among as many draws as there are numbers: half the sample size in effect.
  CHECK(uniformity(shifted, n).p_value > 0.3);
}

TEST_CASE("calibration: uniform numbers pass, others do not") {
  const Uniformity right = uniformity(normal_pit(normals(2000, 1)));
  CHECK(right.p_value > 0.01);
  std::vector<double> wide = normals(2000, 2);
  for (double& z : wide) z *= 1.2;
  CHECK(uniformity(normal_pit(wide)).p_value < 0.01);
}

TEST_CASE("calibration: coverage is the mass where rows are draws, and shows rows that are not") {
  const auto scores = [](std::size_t count, std::uint64_t row, double scale) {
    std::vector<double> s = normals(count, row);
    for (double& z : s) z = -0.5 * (scale * z) * (scale * z);
    return s;
  };
  const std::vector<double> masses{0, 0.25, 0.5, 0.9, 1};
  const std::vector<double> right = coverage(scores(20000, 1, 1), scores(20000, 2, 1), masses);
  CHECK(right.front() == 0);
  CHECK(right.back() == 1);
  for (std::size_t i = 0; i < masses.size(); ++i) CHECK(std::abs(right[i] - masses[i]) < 0.02);
  // Rows twice as wide as the model: of its inner half only 2Φ(0.6745 / 2) − 1 = 0.264.
  CHECK(coverage(scores(20000, 3, 2), scores(20000, 2, 1), masses)[2] == doctest::Approx(0.264).epsilon(0.05));
}
