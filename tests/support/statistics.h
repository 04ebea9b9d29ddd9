// A density on a grid in one or two dimensions, and samples against it.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "support/subject.h"

namespace flowfit::test {

/// P(χ² with `freedom` degrees > value), after Wilson and Hilferty (1931): good to a few percent of itself from 5 degrees on.
inline double chi_square_p(double value, double freedom) {
  const double c = 2.0 / (9.0 * freedom);
  return 0.5 * std::erfc((std::cbrt(value / freedom) - (1 - c)) / std::sqrt(2 * c));
}

/// log density of rows (R x D) → R numbers; R is a multiple of 16.
using LogDensity = std::function<Eigen::VectorXd(const Matrix<double>&)>;

struct GridCheck {
  double integral = 0;  ///< of the density over the box
  double p = 0;         ///< of the samples' χ² against the cells' integrals
};

/// Coordinates in which a support is the line; a bounded one stays as it is.
inline double out_of(const Support& support, double x) {
  if (std::isinf(support.low) && std::isinf(support.high)) return x;
  if (std::isinf(support.high)) return std::log(x - support.low);
  if (std::isinf(support.low)) return std::log(support.high - x);
  return x;
}

/// Edges of the cells along one axis: quantiles of `guide`, closer in the tails, and half its range on either side.
inline std::vector<double> cell_edges(Eigen::VectorXd guide, const Support& support, Index middle) {
  std::vector<double> edges;
  if (std::isfinite(support.low) && std::isfinite(support.high)) {
    for (Index k = 0; k <= middle; ++k)
      edges.push_back(support.low + (support.high - support.low) * static_cast<double>(k) / static_cast<double>(middle));
    return edges;
  }
  for (double& v : guide) v = out_of(support, v);
  std::sort(guide.begin(), guide.end());
  const double range = guide(guide.size() - 1) - guide(0);
  const auto quantile = [&](double q) { return guide(static_cast<Index>(q * static_cast<double>(guide.size() - 1))); };
  edges = {guide(0) - range / 2, guide(0), quantile(0.002), quantile(0.02)};
  for (Index k = 1; k < middle; ++k) edges.push_back(quantile(static_cast<double>(k) / static_cast<double>(middle)));
  for (const double v : {quantile(0.98), quantile(0.998), quantile(1.0), quantile(1.0) + range / 2}) edges.push_back(v);
  return edges;
}

/// Where in its piece of a cell the density is taken: in the middle, or for one that jumps (at the ends of a bounded base) at a random place.
enum class Place { middle, random };

/// Integrates over a box around the samples, `fine` points along each axis of a cell, and counts samples by cell. `guide` are samples too, but others:
/// the cells must not depend on what is counted.
inline GridCheck check_on_grid(const LogDensity& log_density, const Matrix<double>& guide, const Matrix<double>& samples,
                               const Support& support, Index middle, Index fine, Place place_in_piece = Place::middle) {
  const Index d = samples.cols();
  const bool box = std::isfinite(support.low) && std::isfinite(support.high);
  std::vector<std::vector<double>> edges;
  for (Index j = 0; j < d; ++j) edges.push_back(cell_edges(guide.col(j), support, middle));
  const Index cells = static_cast<Index>(edges[0].size()) - 1, n = cells * fine, total = d == 1 ? n : n * n;

  GridCheck result;
  Eigen::VectorXd mass = Eigen::VectorXd::Zero(d == 1 ? cells : cells * cells), count = mass;
  constexpr Index chunk = 10 * block;
  for (Index first = 0; first < total; first += chunk) {
    Matrix<double> x(chunk, d);
    Eigen::VectorXd weight(chunk);
    for (Index i = 0; i < chunk; ++i) {
      const Index at = std::min(first + i, total - 1);
      const Index place[2] = {at % n, at / n};
      double within[2] = {0.5, 0.5};
      if (place_in_piece == Place::random)
        core::RandomKey{9, core::Purpose::check}.uniforms(static_cast<std::uint64_t>(at), within);
      weight(i) = 1;
      for (Index j = 0; j < d; ++j) {
        const double* edge = edges[static_cast<std::size_t>(j)].data() + place[j] / fine;
        const double step = (edge[1] - edge[0]) / static_cast<double>(fine);
        const double u = edge[0] + (static_cast<double>(place[j] % fine) + within[j]) * step;
        x(i, j) = box ? u : into(support, u);
        weight(i) *= step * (box ? 1 : into_slope(support, u));
      }
    }
    const Eigen::VectorXd log_p = log_density(x);
    for (Index i = 0; i < chunk && first + i < total; ++i) {
      const Index at = first + i;
      mass(at % n / fine + at / n / fine * cells) += weight(i) * std::exp(log_p(i));
    }
  }
  result.integral = mass.sum();

  double outside = 0;
  for (Index i = 0; i < samples.rows(); ++i) {
    Index cell = 0;
    for (Index j = d - 1; j >= 0; --j) {
      const std::vector<double>& edge = edges[static_cast<std::size_t>(j)];
      const Index at = std::upper_bound(edge.begin(), edge.end(), out_of(support, samples(i, j))) - edge.begin() - 1;
      cell = cell < 0 || at < 0 || at >= cells ? -1 : cell * cells + at;
    }
    (cell < 0 ? outside : count(cell)) += 1;
  }
  // Cells of fewer than 10 expected samples count as one, and what is outside the box belongs to it.
  const double all = static_cast<double>(samples.rows());
  double chi = 0, freedom = -1, rest_mass = std::max(1 - result.integral, 0.0) * all, rest_count = outside;
  const auto add = [&](double expected, double seen) {
    chi += (seen - expected) * (seen - expected) / expected;
    freedom += 1;
  };
  for (Index cell = 0; cell < mass.size(); ++cell) {
    if (mass(cell) * all >= 10) {
      add(mass(cell) * all, count(cell));
    } else {
      rest_mass += mass(cell) * all;
      rest_count += count(cell);
    }
  }
  if (rest_mass >= 5 || rest_count >= 20) add(std::max(rest_mass, 1.0), rest_count);
  result.p = chi_square_p(chi, freedom);
  return result;
}

}  // namespace flowfit::test
