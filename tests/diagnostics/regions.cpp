// Densities on a grid integrate to one, and contours hold the mass that they should.
#include "diagnostics/regions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "core/random.h"

using namespace flowfit::diagnostics;

TEST_CASE("regions: smoothed draws of a normal") {
  constexpr std::size_t n = 20000;
  std::vector<double> x(n), y(n);
  flowfit::core::RandomKey{5}.normals(0, x);
  flowfit::core::RandomKey{5}.normals(1, y);
  for (double& v : y) v *= 100;
  const Grid grid = smoothed_density(x, y, {-4, 4}, {-400, 400}, 80);
  const double cell = (8.0 / 80) * (800.0 / 80);
  CHECK(std::accumulate(grid.values.begin(), grid.values.end(), 0.0) * cell == doctest::Approx(1).epsilon(0.002));
  const double middle = 1 / (2 * std::numbers::pi * 100);
  CHECK(grid.values[40 * 80 + 40] == doctest::Approx(middle).epsilon(0.15));
  CHECK(grid.x_at(0) == doctest::Approx(-3.95));
  CHECK(grid.y_at(79) == doctest::Approx(395));
  // The region with mass m of a normal in two columns ends where the density is (1 − m) times its highest.
  CHECK(region_level(grid, 0.5) == doctest::Approx(0.5 * middle).epsilon(0.12));
  CHECK(region_level(grid, 0.9) == doctest::Approx(0.1 * middle).epsilon(0.2));
}

TEST_CASE("regions: a grid knows x from y, and loses what is beyond it") {
  std::vector<double> x(100), y(100);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = i % 2 == 0 ? 0.81 : 0.84;
    y[i] = i % 2 == 0 ? 0.21 : 0.24;
  }
  x[0] = 7;
  y[1] = std::nan("");
  const Grid grid = smoothed_density(x, y, {0, 1}, {0, 1}, 20);
  std::size_t highest = 0;
  for (std::size_t i = 0; i < grid.values.size(); ++i)
    if (grid.values[i] > grid.values[highest]) highest = i;
  CHECK(highest == 4 * 20 + 16);
  CHECK(std::accumulate(grid.values.begin(), grid.values.end(), 0.0) / 400 == doctest::Approx(0.98).epsilon(0.001));
  CHECK(region_level(grid, 0.999) == 0);  // more than it holds
}

TEST_CASE("regions: the level by scores is what a share of the draws exceeds") {
  CHECK(region_level(std::vector<double>{5, 1, 2, 3, 4}, 0.5) == 3);
  CHECK(region_level(std::vector<double>{5, 1, 2, 3, 4}, 0.75) == 2);
}
