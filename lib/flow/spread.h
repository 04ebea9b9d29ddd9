// Where a column of a sample lies and how wide it is, and coordinates in which its tails are light.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace flowfit::flow {

/// A column's middle, and its standard deviation, or that of a normal with its quartiles where this is less (a heavy tail has no deviation).
struct Spread {
  double middle, scale;
};

inline Spread spread(std::vector<double> values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean) / n;
  std::ranges::sort(values);
  const double quartiles = (values[values.size() * 3 / 4] - values[values.size() / 4]) / 1.349, deviation = std::sqrt(squares);
  return {values[values.size() / 2], quartiles > 0 ? std::min(deviation, quartiles) : deviation};
}

/// Coordinates u in which a heavy tail is a light one: x = middle + scale·sinh(u).
inline double stretched(const Spread& s, double u) { return s.middle + s.scale * std::sinh(u); }
inline double unstretched(const Spread& s, double x) { return std::asinh((x - s.middle) / s.scale); }
/// dx / du.
inline double stretch(const Spread& s, double u) { return s.scale * std::cosh(u); }

}  // namespace flowfit::flow
