// Categories by their codes 0 … K−1, held as numbers: indicators, angles, and log-probabilities by a softmax.
#include "autodiff/ops/categorical.h"

#include <cmath>
#include <limits>

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {
namespace {

/// logits + offsets, B x K.
template <class T>
Var<T> added(Tape<T>& tape, Var<T> logits, Var<T> offsets, Index rows) {
  const Var<T> sum = tape.make(rows, offsets.cols, false);
  for (Index k = 0; k < offsets.cols; ++k) {
    value_column(sum, k).setConstant(offsets.value[k]);
    if (!logits.empty()) value_column(sum, k) += value_column(logits, k);
  }
  return sum;
}

}  // namespace

template <class T>
void indicators(Var<T> codes, Var<T> y) {
  for (Index k = 0; k < y.cols; ++k)
    for (Index i = 0; i < y.rows; ++i) y.value[k * y.rows + i] = codes.value[i] == static_cast<T>(k) ? T(1) : T(0);
}

template <class T>
void circle_point(Var<T> x, Var<T> y) {
  for (Index i = 0; i < x.rows; ++i) {
    y.value[i] = std::cos(x.value[i]);
    y.value[x.rows + i] = std::sin(x.value[i]);
  }
}

template <class T>
Var<T> categorical_log_prob(Tape<T>& tape, Var<T> logits, Var<T> offsets, Var<T> codes) {
  const Index rows = codes.rows, n = offsets.cols;
  const Var<T> scores = added(tape, logits, offsets, rows);
  const Var<T> y = tape.make(rows, 1, logits.wants_grad() || offsets.wants_grad());
  T* terms = tape.scratch(rows * n);
  T* numbers = tape.scratch(rows * 2);
  Column<T> largest(numbers, rows), sum(numbers + rows, rows);
  softmax_terms(scores.value, n, rows, terms, largest, sum);
  const auto known = [=](Index i) {
    const T code = codes.value[i];
    return code >= T(0) && code < static_cast<T>(n) && code == std::trunc(code);
  };
  for (Index i = 0; i < rows; ++i)
    y.value[i] = known(i) ? scores.value[static_cast<Index>(codes.value[i]) * rows + i] : -std::numeric_limits<T>::infinity();
  value_column(y, 0) -= largest + sum.log();
  if (!y.wants_grad()) return y;
  tape.on_backward([=] {
    const auto g = adjoint_column(y, 0);
    for (Index k = 0; k < n; ++k) {
      // 1 where the code is k, less its probability.
      Column<T> slope(terms + k * rows, rows);
      slope = -slope / Column<T>(numbers + rows, rows);
      slope += (value_column(codes, 0) == static_cast<T>(k)).template cast<T>();
      slope *= g;
      if (logits.wants_grad()) adjoint_column(logits, k) += slope;
      if (offsets.wants_grad()) offsets.adjoint[k] += slope.sum();
    }
  });
  return y;
}

template <class T>
void categorical_draw(Tape<T>& tape, Var<T> logits, Var<T> offsets, const double* u, Index rows, T* codes) {
  const Index n = offsets.cols;
  const Var<T> scores = added(tape, logits, offsets, rows);
  T* terms = tape.scratch(rows * n);
  T* numbers = tape.scratch(rows * 2);
  Column<T> largest(numbers, rows), sum(numbers + rows, rows);
  softmax_terms(scores.value, n, rows, terms, largest, sum);
  for (Index i = 0; i < rows; ++i) {
    double rest = u[i] * static_cast<double>(sum[i]);
    Index k = 0;
    for (; k + 1 < n && rest >= static_cast<double>(terms[k * rows + i]); ++k) rest -= static_cast<double>(terms[k * rows + i]);
    codes[i] = static_cast<T>(k);
  }
}

#define FLOWFIT_INSTANTIATE(T)                                               \
  template void indicators<T>(Var<T>, Var<T>);                               \
  template void circle_point<T>(Var<T>, Var<T>);                             \
  template Var<T> categorical_log_prob<T>(Tape<T>&, Var<T>, Var<T>, Var<T>); \
  template void categorical_draw<T>(Tape<T>&, Var<T>, Var<T>, const double*, Index, T*);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
