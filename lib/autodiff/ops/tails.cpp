// A map that is computed on a box alone, and goes on outside as the straight line with its value and slope at the edge.
#include "autodiff/ops/tails.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/columns.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

template <class T>
T held(T x, T bound) {
  const T low = x < -bound ? -bound : x;
  return low > bound ? bound : low;
}

}  // namespace

template <class T>
Var<T> clamp(Tape<T>& tape, Var<T> x, double bound) {
  const T b = static_cast<T>(bound);
  const Var<T> y = tape.make(x.rows, x.cols, x.wants_grad());
  for (Index i = 0; i < x.size(); ++i) y.value[i] = held(x.value[i], b);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < x.size(); ++i) x.adjoint[i] += y.value[i] == x.value[i] ? y.adjoint[i] : T(0);
    });
  }
  return y;
}

template <class T>
Mapped<T> linear_tails(Tape<T>& tape, Var<T> x, Tangent<T> at, double bound, double least) {
  const T b = static_cast<T>(bound), low = static_cast<T>(least), share = static_cast<T>(1 - least);
  const bool grad = x.wants_grad() || at.value.wants_grad() || at.slope.wants_grad();
  const Var<T> y = tape.make(x.rows, x.cols, grad), log_det = tape.make(x.rows, x.cols, grad);
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < x.size(); ++i) {
    const T beyond = x.value[i] - held(x.value[i], b);
    y.value[i] = share * (at.value.value[i] + at.slope.value[i] * beyond) + low * x.value[i];
    log_det.value[i] = share * at.slope.value[i] + low;
  }
  Column<T> l(log_det.value, x.size());
  l = l.log();
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = 0; i < x.size(); ++i) {
        const T beyond = x.value[i] - held(x.value[i], b), slope = share * at.slope.value[i] + low;
        if (at.value.wants_grad()) at.value.adjoint[i] += share * y.adjoint[i];
        if (at.slope.wants_grad()) at.slope.adjoint[i] += share * (y.adjoint[i] * beyond + log_det.adjoint[i] / slope);
        // Inside, x acts through clamp(x) but for the share of the straight line.
        if (x.wants_grad()) x.adjoint[i] += y.adjoint[i] * (beyond == T(0) ? low : slope);
      }
    });
  }
  return {y, log_det};
}

#define FLOWFIT_INSTANTIATE(T)                        \
  template Var<T> clamp<T>(Tape<T>&, Var<T>, double); \
  template Mapped<T> linear_tails<T>(Tape<T>&, Var<T>, Tangent<T>, double, double);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
