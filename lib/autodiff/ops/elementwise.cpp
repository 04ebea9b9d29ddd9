// Small ops and their vector-Jacobian products, side by side.
#include "autodiff/ops/elementwise.h"

#include <cmath>
#include <numbers>

namespace flowfit::autodiff {

template <class T>
Var<T> add(Tape<T>& tape, Var<T> a, Var<T> b) {
  const Var<T> y = tape.make(a.rows, a.cols, a.wants_grad() || b.wants_grad());
  y.val() = a.val() + b.val();
  if (y.wants_grad()) {
    tape.on_backward([=] {
      if (a.wants_grad()) a.adj() += y.adj();
      if (b.wants_grad()) b.adj() += y.adj();
    });
  }
  return y;
}

template <class T>
Var<T> row_sum(Tape<T>& tape, Var<T> x) {
  const Var<T> y = tape.make(x.rows, 1, x.wants_grad());
  // Column after column: a row's sum has one order, whatever the rows around it.
  y.val() = x.val().col(0);
  for (Index j = 1; j < x.cols; ++j) y.val() += x.val().col(j);
  if (y.wants_grad()) tape.on_backward([=] { x.adj().colwise() += y.adj().col(0); });
  return y;
}

template <class T>
Var<T> constant(Tape<T>& tape, Index rows, Index cols, T value) {
  const Var<T> y = tape.make(rows, cols, false);
  y.val().setConstant(value);
  return y;
}

template <class T>
Var<T> concat(Tape<T>& tape, Var<T> a, Var<T> b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const Var<T> y = tape.make(a.rows, a.cols + b.cols, a.wants_grad() || b.wants_grad());
  y.columns(0, a.cols).val() = a.val();
  y.columns(a.cols, b.cols).val() = b.val();
  if (y.wants_grad()) {
    tape.on_backward([=] {
      if (a.wants_grad()) a.adj() += y.columns(0, a.cols).adj();
      if (b.wants_grad()) b.adj() += y.columns(a.cols, b.cols).adj();
    });
  }
  return y;
}

template <class T>
void copy(Tape<T>& tape, Var<T> x, Var<T> y) {
  y.val() = x.val();
  if (y.wants_grad() && x.wants_grad()) tape.on_backward([=] { x.adj() += y.adj(); });
}

template <class T>
Var<T> gather_columns(Tape<T>& tape, Var<T> x, std::span<const int> from) {
  const Var<T> y = tape.make(x.rows, static_cast<Index>(from.size()), x.wants_grad());
  for (Index j = 0; j < y.cols; ++j) y.val().col(j) = x.val().col(from[static_cast<std::size_t>(j)]);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < y.cols; ++j) x.adj().col(from[static_cast<std::size_t>(j)]) += y.adj().col(j);
    });
  }
  return y;
}

template <class T>
void scatter_columns(Tape<T>& tape, Var<T> from, Var<T> y, std::span<const int> to) {
  for (Index j = 0; j < from.cols; ++j) y.val().col(to[static_cast<std::size_t>(j)]) = from.val().col(j);
  if (y.wants_grad() && from.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < from.cols; ++j) from.adj().col(j) += y.adj().col(to[static_cast<std::size_t>(j)]);
    });
  }
}

template <class T>
Mapped<T> scale_shift(Tape<T>& tape, Var<T> x, Var<T> log_scale, Var<T> shift, bool inverse) {
  const Var<T> y = tape.make(x.rows, x.cols, x.wants_grad() || log_scale.wants_grad() || shift.wants_grad());
  const Var<T> log_det = tape.make(x.rows, 1, log_scale.wants_grad());
  T sum = 0;
  for (Index j = 0; j < x.cols; ++j) {
    const T log_s = log_scale.empty() ? T(0) : log_scale.value[j], t = shift.empty() ? T(0) : shift.value[j];
    auto out = y.val_array().col(j);
    if (inverse)
      out = (x.val_array().col(j) - t) * std::exp(-log_s);
    else
      out = x.val_array().col(j) * std::exp(log_s) + t;
    sum += inverse ? -log_s : log_s;
  }
  log_det.val().setConstant(sum);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      const T log_det_sum = log_det.wants_grad() ? log_det.adj().sum() : T(0);
      for (Index j = 0; j < x.cols; ++j) {
        const T log_s = log_scale.empty() ? T(0) : log_scale.value[j], t = shift.empty() ? T(0) : shift.value[j];
        const T scale = std::exp(inverse ? -log_s : log_s);
        const auto g = y.adj_array().col(j);
        const auto out = y.val_array().col(j);
        if (x.wants_grad()) x.adj_array().col(j) += g * scale;
        if (shift.wants_grad()) shift.adjoint[j] += inverse ? -scale * g.sum() : g.sum();
        if (log_scale.wants_grad())
          log_scale.adjoint[j] += inverse ? -(g * out).sum() - log_det_sum : (g * (out - t)).sum() + log_det_sum;
      }
    });
  }
  return {y, log_det};
}

template <class T>
Var<T> repeat_row(Tape<T>& tape, Var<T> row, Index rows, T times) {
  const Var<T> y = tape.make(rows, row.cols, row.wants_grad());
  for (Index j = 0; j < row.cols; ++j) y.val().col(j).setConstant(times * row.value[j]);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < row.cols; ++j) row.adjoint[j] += times * y.adj().col(j).sum();
    });
  }
  return y;
}

template <class T>
Var<T> standard_normal_log_prob(Tape<T>& tape, Var<T> z) {
  const Var<T> y = tape.make(z.rows, 1, z.wants_grad());
  y.val_array() = z.val_array().col(0).square();
  for (Index j = 1; j < z.cols; ++j) y.val_array() += z.val_array().col(j).square();
  const T offset = static_cast<T>(-0.5 * std::log(2 * std::numbers::pi) * static_cast<double>(z.cols));
  y.val_array() = T(-0.5) * y.val_array() + offset;
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < z.cols; ++j) z.adj_array().col(j) -= z.val_array().col(j) * y.adj_array().col(0);
    });
  }
  return y;
}

template <class T>
void dropout_columns(Tape<T>& tape, Var<T> x, Var<T> y, const T* uniforms, T rate, Index first, Index count) {
  const Index begin = first * x.rows, end = (first + count) * x.rows;
  const T kept = T(1) / (T(1) - rate);
  for (Index i = begin; i < end; ++i) y.value[i] = uniforms[i] >= rate ? x.value[i] * kept : T(0);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = begin; i < end; ++i) x.adjoint[i] += uniforms[i] >= rate ? y.adjoint[i] * kept : T(0);
    });
  }
}

#define FLOWFIT_INSTANTIATE(T)                                                      \
  template Var<T> add<T>(Tape<T>&, Var<T>, Var<T>);                                 \
  template Var<T> row_sum<T>(Tape<T>&, Var<T>);                                     \
  template Var<T> constant<T>(Tape<T>&, Index, Index, T);                           \
  template Var<T> concat<T>(Tape<T>&, Var<T>, Var<T>);                              \
  template void copy<T>(Tape<T>&, Var<T>, Var<T>);                                  \
  template Var<T> gather_columns<T>(Tape<T>&, Var<T>, std::span<const int>);        \
  template void scatter_columns<T>(Tape<T>&, Var<T>, Var<T>, std::span<const int>); \
  template Mapped<T> scale_shift<T>(Tape<T>&, Var<T>, Var<T>, Var<T>, bool);        \
  template Var<T> repeat_row<T>(Tape<T>&, Var<T>, Index, T);                        \
  template Var<T> standard_normal_log_prob<T>(Tape<T>&, Var<T>);                    \
  template void dropout_columns<T>(Tape<T>&, Var<T>, Var<T>, const T*, T, Index, Index);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
