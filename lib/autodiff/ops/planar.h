// The planar map, one hyperplane for each row, both ways; and the equation in one unknown behind its inverse.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// a with a + m·tanh(a) = s, entry by entry, to rounding; m > −1. `excess` is 1 + m, which keeps its digits where m is near −1.
template <class T>
void solve_tanh(Tape<T>& tape, Var<T> s, const T* excess, T* a);

/// y = x + û·tanh(w·x + b), or its inverse, for each row of x (B x D). weight (w), scale (u): R x D, bias (b): R x 1, R = 1 or B.
/// û = u + (m − w·u)·w / |w|² with m = softplus(w·u + c) − 1 > −1, 0 at w·u = 0: so w·û = m, and the map is invertible. log_det: B x 1.
template <class T>
Mapped<T> planar_map(Tape<T>& tape, Var<T> x, Var<T> weight, Var<T> scale, Var<T> bias, bool inverse);

}  // namespace flowfit::autodiff
