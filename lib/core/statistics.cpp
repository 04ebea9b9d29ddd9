// Series and sums behind the statistics.
#include "core/statistics.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/random.h"

namespace flowfit::core {

void Moments::add(double value) {
  const double before = value - mean;
  mean += before / static_cast<double>(++count);
  squares += before * (value - mean);
}

double Moments::deviation() const { return std::sqrt(squares / (static_cast<double>(count) - 1)); }

double Moments::standard_error() const {
  const double n = static_cast<double>(count);
  return std::sqrt(squares / (n - 1) / n);
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double chi_squared_cdf(double x, int freedom) {
  if (!(x > 0)) return 0;
  // Q = Σ y^k e^−y / Γ(k + 1), y = x / 2: over k = 0 … m − 1 for 2m degrees of freedom, over k = ½, 3⁄2, … and erfc √y for an odd number.
  const double y = x / 2, half = 0.5 * freedom;
  double above = freedom % 2 == 0 ? 0 : std::erfc(std::sqrt(y));
  for (double k = freedom % 2 == 0 ? 0 : 0.5; k < half; ++k) above += std::exp(k * std::log(y) - y - std::lgamma(k + 1));
  return std::clamp(1 - above, 0.0, 1.0);
}

double kolmogorov_p_value(double distance, std::size_t n) {
  const double root = std::sqrt(static_cast<double>(n)), x = (root + 0.12 + 0.11 / root) * distance;
  if (!(x > 0.3)) return 1;  // 1 − 1e-5 at least, where the series no longer converges
  double sum = 0, sign = 2;
  for (int k = 1; k <= 100; ++k, sign = -sign) {
    const double term = std::exp(-2 * x * x * k * k);
    sum += sign * term;
    if (term < 1e-17) break;
  }
  return std::clamp(sum, 0.0, 1.0);
}

void Uniformity::add(double u) {
  const double cell = u * static_cast<double>(cells);
  counts_[cell < static_cast<double>(cells) ? static_cast<std::size_t>(std::max(cell, 0.0)) : cells - 1] += 1;
  ++count_;
}

double Uniformity::distance() const {
  double most = 0;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < cells; ++i) {
    below += counts_[i];
    const double share = static_cast<double>(below) / static_cast<double>(count_);
    most = std::max(most, std::abs(share - static_cast<double>(i + 1) / static_cast<double>(cells)));
  }
  return most;
}

double Uniformity::share_below(double u) const {
  std::uint64_t below = 0;
  const auto last = static_cast<std::size_t>(std::clamp(u, 0.0, 1.0) * static_cast<double>(cells));
  for (std::size_t i = 0; i < std::min(last, cells); ++i) below += counts_[i];
  return static_cast<double>(below) / static_cast<double>(count_);
}

Interval bootstrap_mean(std::span<const double> values, double level, std::uint64_t seed, ThreadPool& pool) {
  constexpr std::size_t most_units = 10'000, resamples = 2000;
  struct Unit {
    double sum = 0, count = 0;
  };
  std::vector<Unit> units(std::min(values.size(), most_units));
  for (std::size_t i = 0; i < values.size(); ++i) {
    units[i % units.size()].sum += values[i];
    units[i % units.size()].count += 1;
  }
  std::vector<double> means(resamples);
  pool.run(static_cast<int>(resamples), [&](int number, int) {
    const RandomKey key{seed, Purpose::bootstrap, static_cast<std::uint32_t>(number)};
    Unit all;
    double u[64];
    for (std::size_t i = 0; i < units.size(); i += std::size(u)) {
      key.uniforms(i, u);
      for (std::size_t j = 0; j < std::min(std::size(u), units.size() - i); ++j) {
        const Unit& unit = units[static_cast<std::size_t>(u[j] * static_cast<double>(units.size()))];
        all.sum += unit.sum;
        all.count += unit.count;
      }
    }
    means[static_cast<std::size_t>(number)] = all.sum / all.count;
  });
  std::ranges::sort(means);
  const double last = static_cast<double>(resamples - 1), tail = (1 - level) / 2;
  return {means[static_cast<std::size_t>(std::llround(tail * last))],
          means[static_cast<std::size_t>(std::llround((1 - tail) * last))]};
}

}  // namespace flowfit::core
