// Products of Householder reflections.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// y = H_{K−1} ⋯ H_1·H_0·x for each row (B x D), H_k = I − 2·v_k·v_kᵀ / |v_k|²; `backwards`: H_0 ⋯ H_{K−1}·x, its inverse. vectors: R x K·D, v_k at columns
/// k·D … (k + 1)·D − 1, R = 1 (the same for all rows) or B. A vector of zeros reflects nothing.
template <class T>
Var<T> reflect(Tape<T>& tape, Var<T> x, Var<T> vectors, bool backwards);

}  // namespace flowfit::autodiff
