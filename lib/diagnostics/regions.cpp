// Smoothed counts of draws on a grid, and levels of highest-density regions.
#include "diagnostics/regions.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace flowfit::diagnostics {
namespace {

/// Weights of a normal kernel at whole numbers of cells: w[0] in the middle, then one side.
std::vector<double> kernel(double cells) {
  constexpr double reach = 4;
  std::vector<double> weights{1};
  double total = 1;
  for (double k = 1; k <= reach * cells; ++k) {
    weights.push_back(std::exp(-0.5 * k * k / (cells * cells)));
    total += 2 * weights.back();
  }
  for (double& w : weights) w /= total;
  return weights;
}

/// Smooths lines of `side` values that lie `step` apart, `stride` from line to line. What would leave the grid is lost.
void smooth(std::vector<double>& values, std::size_t side, std::size_t step, std::size_t stride,
            const std::vector<double>& weights) {
  std::vector<double> line(side);
  for (std::size_t l = 0; l < side; ++l) {
    double* const at = values.data() + l * stride;
    std::ranges::fill(line, 0.0);
    for (std::size_t i = 0; i < side; ++i) {
      const double v = at[i * step];
      if (v == 0) continue;
      line[i] += v * weights[0];
      for (std::size_t k = 1; k < weights.size(); ++k) {
        if (i >= k) line[i - k] += v * weights[k];
        if (i + k < side) line[i + k] += v * weights[k];
      }
    }
    for (std::size_t i = 0; i < side; ++i) at[i * step] = line[i];
  }
}

/// The kernel's deviation: 0.7 of Scott's σ·n^(−1/6), σ robust against a heavy tail.
double bandwidth(std::span<const double> values) {
  const std::vector<double> sorted = sorted_finite(values);
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(sorted.size());
  for (const double v : sorted) mean += v / n;
  for (const double v : sorted) squares += (v - mean) * (v - mean) / n;
  const double quartiles = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.349, deviation = std::sqrt(squares);
  return 0.7 * (quartiles > 0 ? std::min(quartiles, deviation) : deviation) * std::pow(n, -1.0 / 6);
}

}  // namespace

Grid smoothed_density(std::span<const double> x, std::span<const double> y, const Range& x_range, const Range& y_range,
                      std::size_t side) {
  Grid grid{x_range, y_range, side, std::vector<double>(side * side)};
  const double x_cell = x_range.width() / static_cast<double>(side), y_cell = y_range.width() / static_cast<double>(side);
  const double share = 1 / (x_cell * y_cell * static_cast<double>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double column = std::floor((x[i] - x_range.low) / x_cell), row = std::floor((y[i] - y_range.low) / y_cell);
    const auto last = static_cast<double>(side);
    if (column >= 0 && column < last && row >= 0 && row < last)
      grid.values[static_cast<std::size_t>(row) * side + static_cast<std::size_t>(column)] += share;
  }
  // Below a cell's own width a kernel shows cells, not the density.
  smooth(grid.values, side, 1, side, kernel(std::max(0.7, bandwidth(x) / x_cell)));
  smooth(grid.values, side, side, 1, kernel(std::max(0.7, bandwidth(y) / y_cell)));
  return grid;
}

double region_level(const Grid& density, double mass) {
  std::vector<double> values = density.values;
  std::ranges::sort(values, std::greater<>());
  const auto cells = static_cast<double>(density.side * density.side);
  const double area = density.x.width() * density.y.width() / cells;
  double held = 0;
  for (const double v : values)
    if ((held += v * area) >= mass) return v;
  return values.back();
}

double region_level(std::vector<double> scores, double mass) {
  std::ranges::sort(scores);
  return quantile(scores, 1 - mass);
}

}  // namespace flowfit::diagnostics
