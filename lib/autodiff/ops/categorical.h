// Categories by their codes 0 … K−1, held as numbers: indicators, angles, and log-probabilities by a softmax.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// y(i, k) = 1 where codes(i) = k, else 0; a code that is none of them has zeros alone. codes: B x 1, y: B x K from `Tape::make`. No gradient.
template <class T>
void indicators(Var<T> codes, Var<T> y);
/// y = (cos x, sin x). x: B x 1, y: B x 2 from `Tape::make`. No gradient.
template <class T>
void circle_point(Var<T> x, Var<T> y);
/// log softmax(logits + offsets)[code] of each row, B x 1; −∞ for a code that is none of the K. logits: B x K or empty, offsets: 1 x K.
template <class T>
Var<T> categorical_log_prob(Tape<T>& tape, Var<T> logits, Var<T> offsets, Var<T> codes);
/// The code k with Σ_{j<k} p_j ≤ u < Σ_{j≤k} p_j, from p = softmax(logits + offsets), for each row. u, codes: `rows` numbers.
template <class T>
void categorical_draw(Tape<T>& tape, Var<T> logits, Var<T> offsets, const double* u, Index rows, T* codes);

}  // namespace flowfit::autodiff
