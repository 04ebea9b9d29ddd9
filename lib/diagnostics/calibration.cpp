// Probability integral transforms, the test of Kolmogorov and Smirnov, and coverage.
#include "diagnostics/calibration.h"

#include <algorithm>
#include <cmath>

#include "core/statistics.h"
#include "diagnostics/histogram.h"

namespace flowfit::diagnostics {

std::vector<double> normal_pit(std::span<const double> z) {
  std::vector<double> u;
  u.reserve(z.size());
  for (const double v : z) u.push_back(core::normal_cdf(v));
  return u;
}

std::vector<double> rank_pit(std::span<const double> values, std::span<const double> reference) {
  const std::vector<double> draws = sorted_finite(reference);
  std::vector<double> u;
  u.reserve(values.size());
  for (const double v : values) {
    const auto [first, last] = std::equal_range(draws.begin(), draws.end(), v);
    const auto below = static_cast<double>(first - draws.begin()), equal = static_cast<double>(last - first);
    u.push_back((below + 0.5 * equal) / static_cast<double>(draws.size()));
  }
  return u;
}

Uniformity uniformity(std::vector<double> u, std::size_t draws) {
  std::ranges::sort(u);
  const auto count = static_cast<double>(u.size());
  double largest = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    const auto place = static_cast<double>(i);
    largest = std::max({largest, u[i] - place / count, (place + 1) / count - u[i]});
  }
  // Ranks among m draws are a comparison of two samples.
  const double m = static_cast<double>(draws), n = draws > 0 ? count * m / (count + m) : count;
  return {largest, core::kolmogorov_p_value(largest, static_cast<std::size_t>(std::lround(n)))};
}

std::vector<double> coverage(std::span<const double> row_scores, std::vector<double> draw_scores,
                             std::span<const double> masses) {
  std::ranges::sort(draw_scores);
  std::vector<double> rows(row_scores.begin(), row_scores.end()), shares;
  std::ranges::sort(rows);
  for (const double mass : masses) {
    const double level = quantile(draw_scores, 1 - mass);
    const auto inside = rows.end() - std::ranges::lower_bound(rows, level);
    shares.push_back(mass <= 0 ? 0 : mass >= 1 ? 1 : static_cast<double>(inside) / static_cast<double>(rows.size()));
  }
  return shares;
}

}  // namespace flowfit::diagnostics
