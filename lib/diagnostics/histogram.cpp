// Ranges by quantiles, and bins by the rule of Freedman and Diaconis that respect rounded values.
#include "diagnostics/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowfit::diagnostics {
namespace {

constexpr double fewest_bins = 20, most_bins = 60;

/// The coarsest of 1, 0.1, 0.01 and 0.001 that all values are multiples of; 0 for none, and of no values.
double rounding_step(std::span<const double> values) {
  if (values.empty()) return 0;
  for (const double steps : {1.0, 10.0, 100.0, 1000.0}) {
    const bool all = std::ranges::all_of(values, [steps](double v) {
      const double scaled = v * steps;
      return std::abs(scaled) < 1e12 && std::abs(scaled - std::round(scaled)) < 1e-6;
    });
    if (all) return 1 / steps;
  }
  return 0;
}

}  // namespace

double quantile(std::span<const double> sorted, double p) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<double> sorted_finite(std::span<const double> values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  for (const double v : values)
    if (std::isfinite(v)) sorted.push_back(v);
  std::ranges::sort(sorted);
  return sorted;
}

Range central_range(std::span<const double> values) {
  const std::vector<double> sorted = sorted_finite(values);
  if (sorted.empty()) return {};
  const double low = quantile(sorted, 0.005), high = quantile(sorted, 0.995), beyond = 0.1 * (high - low);
  Range range{std::max(sorted.front(), low - beyond), std::min(sorted.back(), high + beyond)};
  const double lower = quantile(sorted, 0.25), upper = quantile(sorted, 0.75);
  if (upper > lower) {
    range.low = std::max(range.low, lower - 6 * (upper - lower));
    range.high = std::min(range.high, upper + 6 * (upper - lower));
  }
  // A little air, and a range that is not empty around a single value.
  const double air = range.width() > 0 ? 0.03 * range.width() : std::max(0.5, 1e-6 * std::abs(range.low));
  return {range.low - air, range.high + air};
}

Range hull(const Range& a, const Range& b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

std::vector<double> bin_edges(std::span<const double> values, const Range& range) {
  const std::vector<double> sorted = sorted_finite(values);
  double width = range.width() / most_bins;
  if (!sorted.empty()) {
    const double quartiles = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    width = 2 * quartiles / std::cbrt(static_cast<double>(sorted.size()));
  }
  width = std::clamp(width, range.width() / most_bins, range.width() / fewest_bins);
  double start = range.low;
  if (const double step = rounding_step(sorted); step > 0 && width < 20 * step) {
    width = step * std::max(1.0, std::round(width / step));
    start = step * (std::floor(range.low / step) - 0.5);
  }
  std::vector<double> edges;
  for (std::size_t i = 0; edges.size() < 2 || edges.back() < range.high; ++i)
    edges.push_back(start + width * static_cast<double>(i));
  return edges;
}

std::vector<double> densities(std::span<const double> values, std::span<const double> edges) {
  std::vector<double> heights(edges.size() - 1);
  const double low = edges.front(), width = (edges.back() - low) / static_cast<double>(heights.size());
  const double share = 1 / (width * static_cast<double>(values.size()));
  for (const double v : values)
    if (v >= low && v < edges.back()) heights[std::min(static_cast<std::size_t>((v - low) / width), heights.size() - 1)] += share;
  return heights;
}

}  // namespace flowfit::diagnostics
