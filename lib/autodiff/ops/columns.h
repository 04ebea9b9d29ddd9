// What ops on whole rows share: columns as arrays, softplus without overflow, parameters spread over the rows.
#pragma once

#include <cmath>

#include "autodiff/tape.h"

namespace flowfit::autodiff {

template <class T>
using Column = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstColumn = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

/// Column j of a matrix of `rows` rows without gaps.
template <class T>
Column<T> column_of(T* data, Index rows, Index j) {
  return {data + j * rows, rows};
}
template <class T>
Column<T> value_column(Var<T> x, Index j) {
  return column_of(x.value, x.rows, j);
}
template <class T>
Column<T> adjoint_column(Var<T> x, Index j) {
  return column_of(x.adjoint, x.rows, j);
}

/// The offset with which softplus(0 + offset) = 1.
inline constexpr double unit_softplus = 0.5413248546129181;

/// value = softplus(x), slope = its derivative, the sigmoid. Columns of their own.
template <class T>
void softplus_columns(const T* x, Index rows, T offset, T* value, T* slope) {
  const ConstColumn<T> in(x, rows);
  Column<T> v(value, rows), s(slope, rows);
  s = (-(in + offset).abs()).exp();
  v = (in + offset).max(T(0)) + (T(1) + s).log();
  // e^x / (1 + e^x) on the left, where 1 / (1 + e^−x) would overflow.
  s = (in + offset < T(0)).select(s / (T(1) + s), T(1) / (T(1) + s));
}

/// terms(:, k) = exp(raw(:, k) − the row's largest) for k < count, and their sum: a softmax before its division. `largest` is scratch.
template <class T>
void softmax_terms(const T* raw, Index count, Index rows, T* terms, Column<T> largest, Column<T> sum) {
  largest = ConstColumn<T>(raw, rows);
  for (Index k = 1; k < count; ++k) largest = largest.max(ConstColumn<T>(raw + k * rows, rows));
  sum.setZero();
  for (Index k = 0; k < count; ++k) {
    Column<T> term(terms + k * rows, rows);
    term = (ConstColumn<T>(raw + k * rows, rows) - largest).exp();
    sum += term;
  }
}

/// Parameter j: a number, or where each row has its own (`Own`) a column.
template <bool Own, class T>
auto entry(const T* data, Index rows, Index j) {
  if constexpr (Own)
    return ConstColumn<T>(data + j * rows, rows);
  else
    return data[j];
}
template <bool Own, class T>
auto entry(Var<T> v, Index j) {
  return entry<Own, T>(v.value, v.rows, j);
}

/// The one row of x in each of `rows` rows; x itself where it has them already.
template <class T>
Var<T> broadcast_rows(Tape<T>& tape, Var<T> x, Index rows) {
  if (x.rows == rows) return x;
  const Var<T> y = tape.make(rows, x.cols, x.wants_grad());
  for (Index j = 0; j < x.cols; ++j) value_column(y, j).setConstant(x.value[j]);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < x.cols; ++j) x.adjoint[j] += adjoint_column(y, j).sum();
    });
  }
  return y;
}

}  // namespace flowfit::autodiff
