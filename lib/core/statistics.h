// Statistics of scores: moments of a stream, tests of uniform and χ² numbers, the bootstrap.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/parallel.h"

namespace flowfit::core {

/// Mean and variance of a stream (Welford 1962), number by number: the chunks in which it comes change no bit.
struct Moments {
  std::size_t count = 0;
  double mean = 0, squares = 0;

  void add(double value);
  double deviation() const;       ///< NaN for a single number
  double standard_error() const;  ///< of the mean; NaN for a single number
};

/// Weighted mean of a stream and its standard error (Welford 1962; West 1979), row by row: the chunks in which it comes change no bit.
class WeightedMean {
 public:
  void add(double value, double weight) {
    if (weight == 0) return;
    ++count_;
    plain_.add(value, weight);
    squared_.add(value, weight * weight);
  }
  bool any() const { return count_ > 0; }
  double mean() const { return plain_.mean; }
  /// √(Σ w²(x − mean)²) / Σ w, times √(n / (n − 1)): with equal weights that of the plain mean.
  double standard_error() const {
    const double n = static_cast<double>(count_), off = squared_.mean - plain_.mean;
    return std::sqrt((squared_.squares + squared_.total * off * off) * n / (n - 1)) / plain_.total;
  }

 private:
  struct Moments {
    double total = 0, mean = 0, squares = 0;
    void add(double value, double weight) {
      const double before = value - mean;
      total += weight;
      mean += before * weight / total;
      squares += weight * before * (value - mean);
    }
  };
  std::size_t count_ = 0;
  Moments plain_, squared_;  // squared_: weighted by w²
};

/// Distribution functions of the standard normal, and of χ² with a whole number of degrees of freedom.
double normal_cdf(double z);
double chi_squared_cdf(double x, int freedom);

/// The p-value of a Kolmogorov–Smirnov distance between n numbers and a continuous distribution: the asymptotic series with Stephens' correction
/// ("Use of the Kolmogorov–Smirnov, Cramér–von Mises and Related Statistics", JRSS B 1970), good from 5 numbers on.
double kolmogorov_p_value(double distance, std::size_t n);

/// Whether numbers in [0, 1] are uniform, in constant memory: their distribution function is looked at on a grid of 16,384 cells, so a distance is short by
/// at most 1/16,384.
class Uniformity {
 public:
  Uniformity() : counts_(cells) {}
  void add(double u);  ///< NaN counts as 1
  std::size_t count() const { return count_; }
  double distance() const;             ///< Kolmogorov–Smirnov
  double share_below(double u) const;  ///< of the numbers, up to the end of u's cell
  double p_value() const { return kolmogorov_p_value(distance(), count_); }

 private:
  static constexpr std::size_t cells = 16384;
  std::vector<std::uint64_t> counts_;
  std::size_t count_ = 0;
};

struct Interval {
  double low = 0, high = 0;
};
/// The percentile interval of the mean by resampling (Efron 1979), the same for any pool. Beyond 10,000 values the resampled units are as many groups of them (every
/// 10,000th value), whose sums vary as the values' do. At least one value.
Interval bootstrap_mean(std::span<const double> values, double level, std::uint64_t seed, ThreadPool& pool);

}  // namespace flowfit::core
