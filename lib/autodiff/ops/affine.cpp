// Scales and shifts by row, or shared by all rows of the block.
#include "autodiff/ops/affine.h"

#include <cmath>
#include <numbers>

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {
namespace {

constexpr double softclip_limit = 6.907755278982137;  // −ln 1e-3
constexpr double floor_scale = 1e-3;

// log s and d log s / d u.
template <class T>
void log_scale(Scale kind, ConstColumn<T> u, Column<T> log_s, Column<T> slope) {
  switch (kind) {
    case Scale::softclip:
      slope = (T(1) + u.abs() / T(softclip_limit)).inverse();
      log_s = u * slope;
      slope = slope.square();
      break;
    case Scale::exp:
      log_s = u.max(T(-5)).min(T(3));
      for (Index i = 0; i < u.size(); ++i) slope[i] = log_s[i] == u[i] ? T(1) : T(0);
      break;
    case Scale::softplus: {
      const T offset = static_cast<T>(std::log(std::expm1(1.0 - floor_scale)));
      // s first, in the place of its logarithm.
      slope = (T(1) + (-(u + offset)).exp()).inverse();
      log_s = (u + offset).max(T(0)) + (T(1) + (-(u + offset).abs()).exp()).log() + T(floor_scale);
      slope /= log_s;
      log_s = log_s.log();
      break;
    }
    case Scale::sigmoid: {
      const T at_zero = static_cast<T>(1.0 / (1.0 + std::exp(-2.0)) + floor_scale);
      slope = (T(1) + (-(u + T(2))).exp()).inverse();
      log_s = ((slope + T(floor_scale)) / at_zero).log();
      slope = slope * (T(1) - slope) / (slope + T(floor_scale));
      break;
    }
  }
}

}  // namespace

template <class T>
Mapped<T> affine_map(Tape<T>& tape, Var<T> x, Var<T> raw, Scale scale, bool inverse) {
  const Index rows = x.rows, shared = raw.rows == 1 ? 1 : 0;
  const Var<T> y = tape.make(rows, x.cols, x.wants_grad() || raw.wants_grad());
  const Var<T> log_det = tape.make(rows, x.cols, raw.wants_grad());
  // For each feature and row of raw: d log s / d u, and the factor of x, s or 1/s.
  T* slopes = tape.scratch(raw.rows * x.cols);
  T* factors = tape.scratch(raw.rows * x.cols);
  const auto lane = [](T* data, Index size) { return Column<T>(data, size); };
  for (Index d = 0; d < x.cols; ++d) {
    const ConstColumn<T> t(raw.value + 2 * d * raw.rows, raw.rows), u(raw.value + (2 * d + 1) * raw.rows, raw.rows);
    const ConstColumn<T> in(x.value + d * rows, rows);
    Column<T> out = lane(y.value + d * rows, rows), l = lane(log_det.value + d * rows, rows);
    Column<T> factor = lane(factors + d * raw.rows, raw.rows), slope = lane(slopes + d * raw.rows, raw.rows);
    log_scale<T>(scale, u, factor, slope);
    if (inverse) factor = -factor;
    if (shared)
      l.setConstant(factor[0]);
    else
      l = factor;
    factor = factor.exp();
    if (shared && inverse)
      out = (in - t[0]) * factor[0];
    else if (shared)
      out = in * factor[0] + t[0];
    else if (inverse)
      out = (in - t) * factor;
    else
      out = in * factor + t;
  }
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      Column<T> g_log = lane(t->scratch(rows), rows);
      for (Index d = 0; d < x.cols; ++d) {
        const ConstColumn<T> shift(raw.value + 2 * d * raw.rows, raw.rows), factor(factors + d * raw.rows, raw.rows);
        const ConstColumn<T> slope(slopes + d * raw.rows, raw.rows), out(y.value + d * rows, rows), g(y.adjoint + d * rows, rows);
        if (x.wants_grad()) {
          if (shared)
            lane(x.adjoint + d * rows, rows) += g * factor[0];
          else
            lane(x.adjoint + d * rows, rows) += g * factor;
        }
        if (!raw.wants_grad()) continue;
        const ConstColumn<T> gl(log_det.adjoint + d * rows, rows);
        Column<T> g_shift = lane(raw.adjoint + 2 * d * raw.rows, raw.rows),
                  g_u = lane(raw.adjoint + (2 * d + 1) * raw.rows, raw.rows);
        if (inverse)
          g_log = -g * out - gl;
        else if (shared)
          g_log = g * (out - shift[0]) + gl;
        else
          g_log = g * (out - shift) + gl;
        if (shared) {
          g_shift[0] += inverse ? -g.sum() * factor[0] : g.sum();
          g_u[0] += g_log.sum() * slope[0];
        } else {
          if (inverse)
            g_shift -= g * factor;
          else
            g_shift += g;
          g_u += g_log * slope;
        }
      }
    });
  }
  return {y, log_det};
}

template <class T>
Mapped<T> shift_map(Tape<T>& tape, Var<T> x, Var<T> raw, bool inverse) {
  const Index rows = x.rows, step = raw.rows == 1 ? 0 : 1;
  const T sign = inverse ? T(-1) : T(1);
  const Var<T> y = tape.make(rows, x.cols, x.wants_grad() || raw.wants_grad());
  const Var<T> log_det = tape.make(rows, x.cols, false);
  log_det.val().setZero();
  for (Index d = 0; d < x.cols; ++d) {
    for (Index i = 0; i < rows; ++i) y.value[d * rows + i] = x.value[d * rows + i] + sign * raw.value[d * raw.rows + i * step];
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      if (x.wants_grad()) x.adj() += y.adj();
      if (!raw.wants_grad()) return;
      for (Index d = 0; d < x.cols; ++d) {
        for (Index i = 0; i < rows; ++i) raw.adjoint[d * raw.rows + i * step] += sign * y.adjoint[d * rows + i];
      }
    });
  }
  return {y, log_det};
}

#define FLOWFIT_INSTANTIATE(T)                                             \
  template Mapped<T> affine_map<T>(Tape<T>&, Var<T>, Var<T>, Scale, bool); \
  template Mapped<T> shift_map<T>(Tape<T>&, Var<T>, Var<T>, bool);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
