// Sums of slopes, a column at a time.
#include "autodiff/ops/runge_kutta.h"

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {

template <class T>
void weighted_sum(const Var<T>* slopes, const double* weights, int count, const T* length, Var<T> y) {
  const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> h(length, y.rows);
  for (int j = 0; j < count; ++j) {
    const T w = static_cast<T>(weights[j]);
    if (w == T(0)) continue;
    for (Index c = 0; c < y.cols; ++c) value_column(y, c) += w * h * value_column(slopes[j], c);
  }
}

template <class T>
Var<T> weighted_step(Tape<T>& tape, Var<T> state, const Var<T>* slopes, const double* weights, int count, const T* length) {
  bool grad = state.wants_grad();
  for (int j = 0; j < count; ++j) grad = grad || slopes[j].wants_grad();
  const Var<T> y = tape.make(state.rows, state.cols, grad);
  y.val() = state.val();
  weighted_sum(slopes, weights, count, length, y);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> h(length, y.rows);
      if (state.wants_grad()) state.adj() += y.adj();
      for (int j = 0; j < count; ++j) {
        const T w = static_cast<T>(weights[j]);
        if (w == T(0) || !slopes[j].wants_grad()) continue;
        for (Index c = 0; c < y.cols; ++c) adjoint_column(slopes[j], c) += w * h * adjoint_column(y, c);
      }
    });
  }
  return y;
}

#define FLOWFIT_INSTANTIATE(T)                                                        \
  template void weighted_sum<T>(const Var<T>*, const double*, int, const T*, Var<T>); \
  template Var<T> weighted_step<T>(Tape<T>&, Var<T>, const Var<T>*, const double*, int, const T*);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
