// Starts from data: moments, Cholesky factors, and mixtures of normals by k-means++ and a few steps of EM. All in double, in one fixed order.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "core/random.h"

namespace flowfit::distributions {

using Rows = Eigen::ArrayXXd;  ///< n x D

/// The rows of column-major n x D numbers that are finite throughout.
template <class T>
Rows finite_rows(std::span<const T> rows, Eigen::Index n, Eigen::Index features);

/// A normal: the mean, and the covariance with divisor Σ weights.
struct Moments {
  Eigen::RowVectorXd mean;
  Eigen::MatrixXd covariance;
};
/// Of rows with weights (n, or empty: 1 each). No rows: the standard normal.
Moments moments(const Rows& rows, const Eigen::ArrayXd& weights);

/// L with L·Lᵀ = covariance, as the bases keep it: entries strictly below the diagonal row by row, and the logs of the diagonal. A direction without spread gets
/// a thousandth of its column's deviation (of 1 for a constant column), so that the density stays finite.
struct Cholesky {
  std::vector<double> lower, log_diagonal;
};
Cholesky cholesky(const Eigen::MatrixXd& covariance);

enum class Covariance { full, diagonal, tied };

struct Component {
  double weight;
  Moments normal;
};
/// k-means++ (Arthur, Vassilvitskii, SODA 2007) in standardized columns, Lloyd's steps, then EM; draws come from `key` alone. Looks at 16384 rows drawn from more.
/// Each component's covariance is that of its rows and of one more with the average one, so that none collapses onto a point. tied: the average one for all.
std::vector<Component> fit_mixture(const Rows& rows, int components, Covariance kind, const core::RandomKey& key,
                                   int em_steps = 10);

}  // namespace flowfit::distributions
