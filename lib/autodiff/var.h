// A matrix on the tape: where its values are and where its adjoints accumulate.
#pragma once

#include <Eigen/Core>

namespace flowfit::autodiff {

using Index = Eigen::Index;
template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>>;
template <class T>
using ArrayMap = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic>>;

/// A handle, cheap to copy; it owns nothing. Column-major with no gaps, so a range of columns is a Var again. "No value" (no
/// context, say) is a Var with `empty()`, never one of zero columns.
template <class T>
struct Var {
  T* value = nullptr;
  T* adjoint = nullptr;  ///< d loss / d value, summed by backward; null where no gradient is wanted
  Index rows = 0, cols = 0;

  bool empty() const { return value == nullptr; }
  bool wants_grad() const { return adjoint != nullptr; }
  Index size() const { return rows * cols; }

  MatrixMap<T> val() const { return {value, rows, cols}; }
  MatrixMap<T> adj() const { return {adjoint, rows, cols}; }
  ArrayMap<T> val_array() const { return {value, rows, cols}; }
  ArrayMap<T> adj_array() const { return {adjoint, rows, cols}; }

  Var columns(Index first, Index count) const {
    return {value + first * rows, adjoint ? adjoint + first * rows : nullptr, rows, count};
  }
};

/// A mapped value and log|det d value / d input|: B x 1 for a whole vector, B x D where each column is mapped by itself.
template <class T>
struct Mapped {
  Var<T> value, log_det;
};

}  // namespace flowfit::autodiff
