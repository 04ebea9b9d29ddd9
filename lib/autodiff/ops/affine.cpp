// Scales and shifts by row, or shared by all rows of the block.
#include "autodiff/ops/affine.h"

#include <cmath>
#include <numbers>

namespace flowfit::autodiff {
namespace {

constexpr double softclip_limit = 6.907755278982137;  // −ln 1e-3
constexpr double floor_scale = 1e-3;

template <class T>
T sigmoid(T u) {
  return T(1) / (T(1) + std::exp(-u));
}

// log s and d log s / d u.
template <class T>
void log_scale(Scale kind, T u, T& log_s, T& slope) {
  switch (kind) {
    case Scale::softclip: {
      const T m = T(1) / (T(1) + std::abs(u) / T(softclip_limit));
      log_s = u * m;
      slope = m * m;
      break;
    }
    case Scale::exp:
      log_s = std::min(std::max(u, T(-5)), T(3));
      slope = (u >= T(-5) && u <= T(3)) ? T(1) : T(0);
      break;
    case Scale::softplus: {
      const T v = u + static_cast<T>(std::log(std::expm1(1.0 - floor_scale)));
      const T s = std::max(v, T(0)) + std::log1p(std::exp(-std::abs(v))) + T(floor_scale);
      log_s = std::log(s);
      slope = sigmoid(v) / s;
      break;
    }
    case Scale::sigmoid: {
      const T g = sigmoid(u + T(2));
      const T s = g + T(floor_scale);
      log_s = std::log(s / (sigmoid(T(2)) + T(floor_scale)));
      slope = g * (T(1) - g) / s;
      break;
    }
  }
}

}  // namespace

template <class T>
Mapped<T> affine_map(Tape<T>& tape, Var<T> x, Var<T> raw, Scale scale, bool inverse) {
  const Index rows = x.rows, step = raw.rows == 1 ? 0 : 1;
  const Var<T> y = tape.make(rows, x.cols, x.wants_grad() || raw.wants_grad());
  const Var<T> log_det = tape.make(rows, x.cols, raw.wants_grad());
  T* slopes = tape.scratch(raw.rows * x.cols);
  T* logs = tape.scratch(raw.rows * x.cols);
  for (Index d = 0; d < x.cols; ++d) {
    for (Index i = 0; i < raw.rows; ++i)
      log_scale(scale, raw.value[(2 * d + 1) * raw.rows + i], logs[d * raw.rows + i], slopes[d * raw.rows + i]);
    for (Index i = 0; i < rows; ++i) {
      const T t = raw.value[2 * d * raw.rows + i * step], log_s = logs[d * raw.rows + i * step];
      const T in = x.value[d * rows + i];
      y.value[d * rows + i] = inverse ? (in - t) * std::exp(-log_s) : in * std::exp(log_s) + t;
      log_det.value[d * rows + i] = inverse ? -log_s : log_s;
    }
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index d = 0; d < x.cols; ++d) {
        for (Index i = 0; i < rows; ++i) {
          const Index at = d * rows + i, r = i * step;
          const T log_s = logs[d * raw.rows + r], t = raw.value[2 * d * raw.rows + r];
          const T s = std::exp(inverse ? -log_s : log_s), g = y.adjoint[at];
          if (x.wants_grad()) x.adjoint[at] += g * s;
          if (!raw.wants_grad()) continue;
          const T g_log = inverse ? -g * y.value[at] - log_det.adjoint[at] : g * (y.value[at] - t) + log_det.adjoint[at];
          raw.adjoint[2 * d * raw.rows + r] += inverse ? -g * s : g;
          raw.adjoint[(2 * d + 1) * raw.rows + r] += g_log * slopes[d * raw.rows + r];
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
