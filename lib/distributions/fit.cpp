// Moments, factors and mixtures of rows.
#include "distributions/fit.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowfit::distributions {
namespace {

using Eigen::ArrayXd;
using Eigen::ArrayXXd;
using Eigen::Index;

constexpr std::size_t most_rows = 16384;
constexpr int lloyd_steps = 10;

Rows some_rows(const Rows& rows, const core::RandomKey& key) {
  const std::size_t n = static_cast<std::size_t>(rows.rows());
  if (n <= most_rows) return rows;
  std::vector<std::uint32_t> chosen = core::permutation(key, n);
  chosen.resize(most_rows);
  std::ranges::sort(chosen);
  Rows some(static_cast<Index>(most_rows), rows.cols());
  for (Index j = 0; j < rows.cols(); ++j) {
    for (std::size_t i = 0; i < most_rows; ++i) some(static_cast<Index>(i), j) = rows(static_cast<Index>(chosen[i]), j);
  }
  return some;
}

ArrayXd square_distances(const Rows& rows, const Eigen::ArrayXd& center) {
  ArrayXd sum = ArrayXd::Zero(rows.rows());
  for (Index j = 0; j < rows.cols(); ++j) sum += (rows.col(j) - center(j)).square();
  return sum;
}

/// Each row's cluster.
std::vector<Index> clusters(const Rows& rows, Index components, const core::RandomKey& key) {
  const Index n = rows.rows();
  Eigen::ArrayXXd centers(components, rows.cols());
  ArrayXd nearest = ArrayXd::Constant(n, 1.0);
  for (Index k = 0; k < components; ++k) {
    // A row by its square distance from the centers so far (any row, where all of them are centers).
    double u = 0;
    key.uniforms(static_cast<std::uint64_t>(k), {&u, 1});
    double left = u * nearest.sum();
    Index at = static_cast<Index>(u * static_cast<double>(n));
    if (nearest.maxCoeff() > 0) {
      for (at = 0; at + 1 < n && left >= nearest(at); ++at) left -= nearest(at);
    }
    centers.row(k) = rows.row(at);
    const ArrayXd distances = square_distances(rows, centers.row(k).transpose());
    nearest = k == 0 ? distances : ArrayXd(nearest.min(distances));
  }
  std::vector<Index> cluster(static_cast<std::size_t>(n), 0);
  for (int step = 0; step < lloyd_steps; ++step) {
    ArrayXd best = square_distances(rows, centers.row(0).transpose());
    std::ranges::fill(cluster, 0);
    for (Index k = 1; k < components; ++k) {
      const ArrayXd distances = square_distances(rows, centers.row(k).transpose());
      for (Index i = 0; i < n; ++i) {
        if (distances(i) < best(i)) {
          best(i) = distances(i);
          cluster[static_cast<std::size_t>(i)] = k;
        }
      }
    }
    Eigen::ArrayXXd sums = Eigen::ArrayXXd::Zero(components, rows.cols());
    ArrayXd counts = ArrayXd::Zero(components);
    for (Index i = 0; i < n; ++i) {
      const Index k = cluster[static_cast<std::size_t>(i)];
      sums.row(k) += rows.row(i);
      counts(k) += 1;
    }
    for (Index k = 0; k < components; ++k) {
      if (counts(k) > 0) centers.row(k) = sums.row(k) / counts(k);
    }
  }
  return cluster;
}

/// log N(row) of each row.
ArrayXd log_density(const Rows& rows, const Moments& normal) {
  const Cholesky factor = cholesky(normal.covariance);
  const Index d = rows.cols();
  ArrayXXd z(rows.rows(), d);
  ArrayXd sum = ArrayXd::Constant(rows.rows(), -0.5 * std::log(2 * std::numbers::pi) * static_cast<double>(d));
  std::size_t entry = 0;
  for (Index i = 0; i < d; ++i) {
    z.col(i) = rows.col(i) - normal.mean(i);
    for (Index j = 0; j < i; ++j) z.col(i) -= factor.lower[entry++] * z.col(j);
    const double log_diagonal = factor.log_diagonal[static_cast<std::size_t>(i)];
    z.col(i) *= std::exp(-log_diagonal);
    sum -= 0.5 * z.col(i).square() + log_diagonal;
  }
  return sum;
}

/// The M step. shares: n x K.
std::vector<Component> components_of(const Rows& rows, const ArrayXXd& shares, Covariance kind) {
  std::vector<Component> all;
  Eigen::MatrixXd average = Eigen::MatrixXd::Zero(rows.cols(), rows.cols());
  const double n = static_cast<double>(rows.rows());
  for (Index k = 0; k < shares.cols(); ++k) {
    Component& c = all.emplace_back(Component{shares.col(k).sum(), moments(rows, shares.col(k))});
    average += c.weight / n * c.normal.covariance;
  }
  for (Component& c : all) {
    Eigen::MatrixXd& covariance = c.normal.covariance;
    covariance = kind == Covariance::tied ? average : Eigen::MatrixXd((c.weight * covariance + average) / (c.weight + 1));
    if (kind == Covariance::diagonal) covariance = Eigen::MatrixXd(covariance.diagonal().asDiagonal());
    c.weight = std::max(c.weight / n, 1e-6);
  }
  return all;
}

}  // namespace

template <class T>
Rows finite_rows(std::span<const T> rows, Index n, Index features) {
  const Rows all =
      Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic>>(rows.data(), n, features).template cast<double>();
  Rows finite(n, features);
  Index count = 0;
  for (Index i = 0; i < n; ++i) {
    if (all.row(i).allFinite()) finite.row(count++) = all.row(i);
  }
  return finite.topRows(count);
}

Moments moments(const Rows& rows, const ArrayXd& weights) {
  const Index d = rows.cols();
  const ArrayXd w = weights.size() ? weights : ArrayXd(ArrayXd::Ones(rows.rows()));
  const double total = w.sum();
  if (!(total > 0)) return {Eigen::RowVectorXd::Zero(d), Eigen::MatrixXd::Identity(d, d)};
  Moments m{Eigen::RowVectorXd(d), Eigen::MatrixXd(d, d)};
  ArrayXXd centered(rows.rows(), d);
  for (Index j = 0; j < d; ++j) {
    m.mean(j) = (w * rows.col(j)).sum() / total;
    centered.col(j) = rows.col(j) - m.mean(j);
  }
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j <= i; ++j)
      m.covariance(i, j) = m.covariance(j, i) = (w * centered.col(i) * centered.col(j)).sum() / total;
  }
  return m;
}

Cholesky cholesky(const Eigen::MatrixXd& covariance) {
  const Index d = covariance.rows();
  Eigen::MatrixXd l = Eigen::MatrixXd::Zero(d, d);
  Cholesky factor;
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < i; ++j) {
      l(i, j) = (covariance(i, j) - l.row(i).head(j).dot(l.row(j).head(j))) / l(j, j);
      factor.lower.push_back(l(i, j));
    }
    const double variance = covariance(i, i), least = 1e-6 * (variance > 1e-300 ? variance : 1.0);
    const double pivot = variance - l.row(i).head(i).squaredNorm();
    l(i, i) = std::sqrt(std::max(pivot, least));
    factor.log_diagonal.push_back(std::log(l(i, i)));
  }
  return factor;
}

std::vector<Component> fit_mixture(const Rows& all_rows, int components, Covariance kind, const core::RandomKey& key,
                                   int em_steps) {
  const Rows rows = some_rows(all_rows, key);
  const Index n = rows.rows(), count = components;
  if (n == 0) return {};
  Rows standard = rows;
  const Moments whole = moments(rows, {});
  for (Index j = 0; j < rows.cols(); ++j) {
    const double deviation = std::sqrt(whole.covariance(j, j));
    standard.col(j) = (rows.col(j) - whole.mean(j)) / (deviation > 0 ? deviation : 1.0);
  }
  const std::vector<Index> cluster = clusters(standard, count, key);
  ArrayXXd shares = ArrayXXd::Zero(n, count);
  for (Index i = 0; i < n; ++i) shares(i, cluster[static_cast<std::size_t>(i)]) = 1;
  std::vector<Component> mixture = components_of(rows, shares, kind);
  for (int step = 0; step < em_steps; ++step) {
    for (Index k = 0; k < count; ++k) {
      const Component& c = mixture[static_cast<std::size_t>(k)];
      shares.col(k) = log_density(rows, c.normal) + std::log(c.weight);
    }
    const ArrayXd top = shares.rowwise().maxCoeff();
    for (Index k = 0; k < count; ++k) shares.col(k) = (shares.col(k) - top).exp();
    const ArrayXd total = shares.rowwise().sum();
    for (Index k = 0; k < count; ++k) shares.col(k) /= total;
    mixture = components_of(rows, shares, kind);
  }
  return mixture;
}

template Rows finite_rows<float>(std::span<const float>, Index, Index);
template Rows finite_rows<double>(std::span<const double>, Index, Index);

}  // namespace flowfit::distributions
