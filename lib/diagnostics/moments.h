// Mean and variance of a stream of numbers.
#pragma once

#include <cmath>
#include <cstddef>

namespace flowfit::diagnostics {

/// Welford 1962, number by number: the chunks in which they come change no bit.
struct Moments {
  std::size_t count = 0;
  double mean = 0, squares = 0;

  void add(double value) {
    const double before = value - mean;
    mean += before / static_cast<double>(++count);
    squares += before * (value - mean);
  }
  double deviation() const { return std::sqrt(squares / (static_cast<double>(count) - 1)); }  ///< NaN for a single number
  double standard_error() const {                                                             ///< of the mean
    const double n = static_cast<double>(count);
    return std::sqrt(squares / (n - 1) / n);
  }
};

}  // namespace flowfit::diagnostics
