// A monotone map of a column's values to those of a standard normal with the same ranks, smooth and with linear tails.
#include "data/quantile.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/statistics.h"

namespace flowfit::data {
namespace {

/// Slopes at the knots that keep the curve monotone and smooth: weighted harmonic means of the secants (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 1984).
std::vector<double> slopes(const std::vector<double>& x, const std::vector<double>& z) {
  const auto secant = [&](std::size_t k) { return (z[k + 1] - z[k]) / (x[k + 1] - x[k]); };
  const std::size_t last = x.size() - 1;
  std::vector<double> all(x.size());
  all.front() = secant(0);
  all.back() = secant(last - 1);
  for (std::size_t k = 1; k < last; ++k) {
    const double before = x[k] - x[k - 1], after = x[k + 1] - x[k];
    all[k] = 3 * (before + after) / ((before + 2 * after) / secant(k - 1) + (2 * before + after) / secant(k));
  }
  return all;
}

/// One piece between two knots, as a function of θ = (x − x0) / (x1 − x0).
struct Piece {
  double width, height, first, second;  // slopes at its ends
  double secant() const { return height / width; }
  double excess() const { return first + second - 2 * secant(); }
};

}  // namespace

double normal_quantile(double probability) {
  // Bisection: it is asked for a few knots alone.
  if (probability > 0.5) return -normal_quantile(1 - probability);
  double low = -40, high = 0;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (core::normal_cdf(middle) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

QuantileMap QuantileMap::fit(std::vector<double> values) {
  constexpr double fewest = 8, most = 64, steepest = 1e6;
  std::ranges::sort(values);
  const std::size_t n = values.size();
  const double rows = static_cast<double>(n);
  const auto knots = static_cast<int>(std::clamp(std::round(2 * std::cbrt(rows)), fewest, most));
  const double outermost = -normal_quantile(0.5 / rows);
  const double middle_part = values[n * 9 / 10] - values[n / 10];
  const double spread = middle_part > 0 ? middle_part : values.back() - values.front();
  QuantileMap map;
  for (int k = 0; k < knots; ++k) {
    const double level = outermost * (2.0 * k / (knots - 1) - 1);
    const std::size_t place = std::min(static_cast<std::size_t>(core::normal_cdf(level) * rows), n - 1);
    const auto [first, last] = std::equal_range(values.begin(), values.end(), values[k + 1 == knots ? n - 1 : place]);
    const double x = *first,
                 z = normal_quantile(0.5 * static_cast<double>((first - values.begin()) + (last - values.begin())) / rows);
    // A step that is all but a jump would be a spike of the density.
    if (!map.empty() && !(x > map.x.back() && z - map.z.back() <= steepest * (x - map.x.back()) / spread)) continue;
    map.x.push_back(x);
    map.z.push_back(z);
  }
  if (map.x.size() < 2) {
    map.x = {values.front(), values.back()};
    map.z = {-outermost, outermost};
  }
  map.slope = slopes(map.x, map.z);
  return map;
}

Point QuantileMap::at(double value) const {
  if (!(value > x.front())) return {z.front() + slope.front() * (value - x.front()), std::log(slope.front()), 0.0};
  if (!(value < x.back())) return {z.back() + slope.back() * (value - x.back()), std::log(slope.back()), 0.0};
  const std::size_t k = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), value) - x.begin()) - 1;
  const Piece piece{x[k + 1] - x[k], z[k + 1] - z[k], slope[k], slope[k + 1]};
  const double t = (value - x[k]) / piece.width, u = 1 - t, s = piece.secant();
  const double below = s + piece.excess() * t * u;
  const double above = piece.second * t * t + 2 * s * t * u + piece.first * u * u;
  const double above_slope = 2 * (piece.second * t + s * (u - t) - piece.first * u), below_slope = piece.excess() * (u - t);
  return {z[k] + piece.height * (s * t * t + piece.first * t * u) / below,
          2 * std::log(s) + std::log(above) - 2 * std::log(below), (above_slope / above - 2 * below_slope / below) / piece.width};
}

double QuantileMap::back(double value) const {
  if (!(value > z.front())) return x.front() + (value - z.front()) / slope.front();
  if (!(value < z.back())) return x.back() + (value - z.back()) / slope.back();
  const std::size_t k = static_cast<std::size_t>(std::upper_bound(z.begin(), z.end(), value) - z.begin()) - 1;
  const Piece piece{x[k + 1] - x[k], z[k + 1] - z[k], slope[k], slope[k + 1]};
  // The root of a quadratic in [0, 1], in the form that cancels nothing.
  const double rise = value - z[k], s = piece.secant();
  const double a = piece.height * (s - piece.first) + rise * piece.excess(),
               b = piece.height * piece.first - rise * piece.excess(), c = -s * rise;
  return x[k] + piece.width * std::clamp(2 * c / (-b - std::sqrt(std::max(0.0, b * b - 4 * a * c))), 0.0, 1.0);
}

config::Json QuantileMap::to_json() const { return {{"x", x}, {"z", z}, {"slope", slope}}; }

QuantileMap QuantileMap::from_json(const config::Node& node) {
  const config::Range any{-DBL_MAX, DBL_MAX};
  QuantileMap map{node.numbers("x", {}, any), node.numbers("z", {}, any), node.numbers("slope", {}, {0.0, DBL_MAX, true})};
  node.finish();
  const auto rises = [](const std::vector<double>& v) { return std::ranges::adjacent_find(v, std::greater_equal()) == v.end(); };
  if (map.x.size() < 2 || map.x.size() != map.z.size() || map.x.size() != map.slope.size() || !rises(map.x) || !rises(map.z)) {
    node.error("expected x and z that rise and a slope for each, at least two of them");
    return {{0, 1}, {0, 1}, {1, 1}};
  }
  return map;
}

}  // namespace flowfit::data
