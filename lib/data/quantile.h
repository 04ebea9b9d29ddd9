// A monotone map of a column's values to those of a standard normal with the same ranks, smooth and with linear tails.
#pragma once

#include <span>
#include <vector>

#include "config/json.h"
#include "config/node.h"

namespace flowfit::data {

/// A bijection at one point: the value, the log of the slope there, and the derivative of that log.
struct Point {
  double value = 0.0, log_slope = 0.0, bend = 0.0;
};

/// C¹ spline of monotone rational quadratics through knots (x, z) with given slopes (Gregory and Delbourgo, "Piecewise rational quadratic
/// interpolation to monotonic data", IMA J. Numer. Anal. 1982); beyond the outermost knots it goes on along their slopes.
struct QuantileMap {
  std::vector<double> x = {}, z = {}, slope = {};  ///< as many, at least 2; x and z rise, slopes > 0

  /// Knots evenly spaced in z between the outermost of n rows, more of them for more rows (8 … 64): z is the normal quantile of the middle rank
  /// of x among the values. Equal values are one point of the curve, so ties make no jump. `values`: at least two different ones, any order.
  static QuantileMap fit(std::vector<double> values);

  bool empty() const { return x.empty(); }
  Point at(double value) const;
  /// The inverse.
  double back(double value) const;

  config::Json to_json() const;  ///< {"x": […], "z": […], "slope": […]}
  /// Records an error at `node` for anything else.
  static QuantileMap from_json(const config::Node& node);
};

/// The standard normal's quantile of a probability in (0, 1).
double normal_quantile(double probability);

}  // namespace flowfit::data
