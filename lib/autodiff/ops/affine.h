// The affine univariate map y = s·x + t with bounded scales.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// How log s comes from the raw number u. Each gives s = 1 at u = 0.
enum class Scale {
  softclip,  ///< log s = u / (1 + |u / ln 1e-3|): s in (1e-3, 1e3)
  exp,       ///< log s = u clamped to [−5, 3]
  softplus,  ///< s = softplus(u + c) + 1e-3
  sigmoid    ///< s = (sigmoid(u + 2) + 1e-3) / (sigmoid(2) + 1e-3)
};

/// raw: R x 2D, column 2d = t of feature d, 2d + 1 = u; R = B or 1. log_det: B x D.
template <class T>
Mapped<T> affine_map(Tape<T>& tape, Var<T> x, Var<T> raw, Scale scale, bool inverse);
/// y = x + t. raw: R x D. log_det is zero, B x D.
template <class T>
Mapped<T> shift_map(Tape<T>& tape, Var<T> x, Var<T> raw, bool inverse);

}  // namespace flowfit::autodiff
