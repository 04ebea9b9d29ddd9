// Gram-Schmidt on standardized columns: what each adds to those before it.
#include "training/collinear.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace flowfit::training {
namespace {

constexpr double least_share = 1e-8;      ///< of its variance that a column must add to those before it
constexpr std::size_t most_rows = 20000;  ///< looked at, spread over the table: enough for a sum, and quick for a wide one

using Matrix = Eigen::MatrixXd;

/// Standardized columns, n x D; a constant one becomes zero.
Matrix standardized(const data::Columns& columns) {
  const std::size_t rows = columns.front().size(), used = std::min(rows, most_rows);
  Matrix x(static_cast<Eigen::Index>(used), static_cast<Eigen::Index>(columns.size()));
  for (std::size_t d = 0; d < columns.size(); ++d) {
    auto column = x.col(static_cast<Eigen::Index>(d));
    for (std::size_t i = 0; i < used; ++i) column[static_cast<Eigen::Index>(i)] = columns[d][i * rows / used];
    // First by its largest entry: the square of 1e300 is no number.
    const double largest = column.cwiseAbs().maxCoeff();
    if (largest > 0) column /= largest;
    column.array() -= column.mean();
    const double norm = column.norm();
    if (norm > 0) column /= norm;
  }
  return x;
}

}  // namespace

std::vector<std::string> collinear(const data::Columns& columns, const std::vector<std::string>& names) {
  std::vector<std::string> found;
  if (columns.size() < 2 || columns.front().size() <= columns.size())
    return found;  // fewer rows than columns: every one would be
  const Matrix x = standardized(columns);
  Matrix basis(x.rows(), x.cols()), from = Matrix::Zero(x.cols(), x.cols());  // basis = x · from
  Eigen::Index size = 0;
  for (Eigen::Index d = 0; d < x.cols(); ++d) {
    if (x.col(d).squaredNorm() < 0.5) continue;  // a constant
    Eigen::VectorXd left = x.col(d), weights = Eigen::VectorXd::Unit(x.cols(), d);
    for (int pass = 0; pass < 2; ++pass) {  // twice: the first leaves rounding errors of what it takes away
      const Eigen::VectorXd shares = basis.leftCols(size).transpose() * left;
      left -= basis.leftCols(size) * shares;
      weights -= from.leftCols(size) * shares;
    }
    const double share = left.squaredNorm();
    if (share > least_share) {
      basis.col(size) = left / std::sqrt(share);
      from.col(size++) = weights / std::sqrt(share);
      continue;
    }
    std::vector<std::string> others;
    constexpr std::size_t most_names = 5;
    for (Eigen::Index other = 0; other < d; ++other)
      if (std::abs(weights[other]) > 1e-3) others.push_back(core::quoted(names[static_cast<std::size_t>(other)]));
    const auto at = static_cast<std::size_t>(d);
    const bool doubled =
        std::any_of(columns.begin(), columns.begin() + d, [&](const auto& other) { return other == columns[at]; });
    if (doubled) continue;
    if (others.size() > most_names) {
      others.resize(most_names);
      others.emplace_back("…");
    }
    found.push_back("column " + core::quoted(names[at]) + " is a linear function of " + core::joined(others) +
                    "; the density is unbounded: leave one out");
  }
  return found;
}

}  // namespace flowfit::training
