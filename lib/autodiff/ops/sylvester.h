// The core of a Sylvester map: M numbers a row through a small triangular network, both ways.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// Parameters, each R x its size, R = 1 or B. R and R̃ are upper triangular, M x M: packed row by row strictly above the diagonal. R̃ has the diagonal
/// softplus(inner_diagonal + c) + 1e-3, R the diagonal p_i / R̃_ii with p_i = softplus(product + c) − 1 > −1; at zeros p = 0.
template <class T>
struct SylvesterCore {
  Var<T> outer, inner;             ///< R and R̃: M(M−1)/2 numbers each
  Var<T> product, inner_diagonal;  ///< M each
  Var<T> bias;                     ///< b: M
};

/// value = R·tanh(R̃·v + b) for each row of v (B x M), log_det = log|det(I + d value / d v)| = Σ log(1 + p_i·tanh'): B x 1.
/// inverse: v is w = x + R·tanh(R̃·x + b), solved for x from the last entry to the first, one unknown at a time; value = x − w, log_det negative.
template <class T>
Mapped<T> sylvester_core(Tape<T>& tape, const SylvesterCore<T>& given, Var<T> v, bool inverse);

/// y with zero columns up to `cols`.
template <class T>
Var<T> widen(Tape<T>& tape, Var<T> x, Index cols);

}  // namespace flowfit::autodiff
