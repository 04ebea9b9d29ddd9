// A fixed monotone map of each entry by itself, given its formula: values kept inside an open interval, and the way back.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "autodiff/tape.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {

/// The least and the greatest number of a type strictly between two ends.
template <class T>
struct Within {
  Within(double low_end, double high_end)
      : low(std::nextafter(static_cast<T>(low_end), std::numeric_limits<T>::infinity())),
        high(std::nextafter(static_cast<T>(high_end), -std::numeric_limits<T>::infinity())) {}
  bool has(T v) const { return v >= low && v <= high; }
  T low, high;
};

/// y = map(x), or with `inverse` x = map⁻¹(y); log_det = log|d value / d input|. B x D. `from` and `to` are the open intervals of the input and
/// the value. An input outside `from` (or NaN) gets log_det = −inf, a finite value and no gradient; a value that rounds out of `to` becomes
/// the nearest number inside, beside the log_det that it would have.
///
/// A formula is a trivially copyable object whose functions look at entries alone, each writing all of its outputs (ArrayMaps of one shape):
///   forward(x, y, log_slope), inverse(y, x, log_slope)   the value, and the log_det of that direction
///   bend(x, b)                                           d log|dy/dx| / dx, at x of the forward direction
///   increases()                                          the sign of the slope
template <class T, class Formula>
Mapped<T> entrywise(Tape<T>& tape, Var<T> x, const Formula& formula, bool inverse, const Within<T>& from, const Within<T>& to) {
  static_assert(std::is_trivially_copyable_v<Formula>, "closures are dropped, never destroyed");
  const Var<T> y = tape.make(x.rows, x.cols, x.wants_grad()), log_det = tape.make(x.rows, x.cols, x.wants_grad());
  const Var<T> at = tape.make(x.rows, x.cols, false);
  at.val_array() = x.val_array().max(from.low).min(from.high);
  if (inverse)
    formula.inverse(at.val_array(), y.val_array(), log_det.val_array());
  else
    formula.forward(at.val_array(), y.val_array(), log_det.val_array());
  y.val_array() = y.val_array().max(to.low).min(to.high);
  // Sums of log_dets must not reach +inf, which a log density of −inf would make NaN.
  constexpr T largest = T(1e-9) * std::numeric_limits<T>::max();
  const Index n = x.size();
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < n; ++i)
    log_det.value[i] = from.has(x.value[i]) ? std::min(log_det.value[i], largest) : -std::numeric_limits<T>::infinity();
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      const Var<T> slope = t->make(x.rows, x.cols, false), bend = t->make(x.rows, x.cols, false);
      // A steeper slope is no number to calculate with: values are cut off there. What is left is kept from overflowing.
      const T steepest = std::log(std::numeric_limits<T>::max()) - T(10), most = std::exp(steepest);
      const T sign = formula.increases() ? T(1) : T(-1);
      slope.val_array() = sign * log_det.val_array().min(steepest).exp();
      formula.bend(inverse ? y.val_array() : at.val_array(), bend.val_array());
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < n; ++i) {
        const T l = log_det.value[i], s = l < steepest ? slope.value[i] : T(0), b = std::clamp(bend.value[i], -most, most);
        const T g = inverse ? s * (y.adjoint[i] - b * log_det.adjoint[i]) : s * y.adjoint[i] + b * log_det.adjoint[i];
        x.adjoint[i] += l > -std::numeric_limits<T>::infinity() ? std::clamp(g, -most, most) : T(0);
      }
    });
  }
  return {y, log_det};
}

}  // namespace flowfit::autodiff
