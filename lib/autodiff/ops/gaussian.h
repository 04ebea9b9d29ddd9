// Log densities of multivariate normals by their Cholesky factors, and of mixtures.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// N(loc, L·Lᵀ): L lower triangular with the diagonal e^log_diagonal.
template <class T>
struct NormalFactor {
  Var<T> loc;           ///< 1 x D
  Var<T> lower;         ///< D(D−1)/2 entries strictly below the diagonal, row by row; an empty Var: L is diagonal
  Var<T> log_diagonal;  ///< 1 x D
};

/// Log density of each row of x (B x D), into y (B x 1, from `Tape::make`).
template <class T>
void normal_log_prob(Tape<T>& tape, const NormalFactor<T>& factor, Var<T> x, Var<T> y);

/// log Σ_k softmax(logits)_k·exp(terms(i, k)) of each row. terms: B x K; logits: 1 x K, or B x K → B x 1. A row whose terms are all −inf has −inf and no gradient.
template <class T>
Var<T> log_mixture(Tape<T>& tape, Var<T> terms, Var<T> logits);

}  // namespace flowfit::autodiff
