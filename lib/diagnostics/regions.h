// Highest-density regions of two columns: a density on a grid, and the level whose contour holds a given mass.
#pragma once

#include <span>
#include <vector>

#include "diagnostics/histogram.h"

namespace flowfit::diagnostics {

/// Values in the middle of side x side cells of a rectangle; values[row · side + column], rows upwards in y.
struct Grid {
  Range x, y;
  std::size_t side = 0;
  std::vector<double> values;

  double x_at(std::size_t column) const {
    return x.low + x.width() * (static_cast<double>(column) + 0.5) / static_cast<double>(side);
  }
  double y_at(std::size_t row) const { return y.low + y.width() * (static_cast<double>(row) + 0.5) / static_cast<double>(side); }
};

/// The density of draws (x[i], y[i]) on a grid: counts smoothed by normal kernels of 0.7 times the width that Scott (1992) gives for a normal density, since a flow's
/// is seldom one. Draws beyond the grid count in the total only.
Grid smoothed_density(std::span<const double> x, std::span<const double> y, const Range& x_range, const Range& y_range,
                      std::size_t side);

/// The level above which the grid holds `mass`, in (0, 1), of the total of 1; the lowest value where the grid holds less than that.
double region_level(const Grid& density, double mass);
/// The same by the scores of draws of the density: the level that a share `mass` of them exceeds (Hyndman 1996).
double region_level(std::vector<double> scores, double mass);

}  // namespace flowfit::diagnostics
