// A linear map by its LU factors, both ways.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

inline constexpr double lu_smallest_diagonal = 1e-3;

/// W = L·U with L unit lower triangular and U upper triangular with diagonal softplus(raw + c) + 1e-3, 1 at raw = 0.
template <class T>
struct LuFactors {
  Var<T> lower, upper;  ///< D(D−1)/2 entries each, row by row: strictly below, strictly above the diagonal
  Var<T> diagonal;      ///< D raw numbers
  Var<T> bias;          ///< D
};

/// y = W·x + bias for each row (B x D); log_det = Σ log diagonal, B x 1.
template <class T>
Mapped<T> lu_apply(Tape<T>& tape, const LuFactors<T>& factors, Var<T> x);
/// x with W·x + bias = y; log_det = −Σ log diagonal.
template <class T>
Mapped<T> lu_solve(Tape<T>& tape, const LuFactors<T>& factors, Var<T> y);

/// The same with factors of each row's own. raw: B x D(D+1), the columns `lower`, `upper`, `diagonal`, `bias` of LuFactors one after the other.
template <class T>
Mapped<T> lu_apply_rows(Tape<T>& tape, Var<T> raw, Var<T> x);
template <class T>
Mapped<T> lu_solve_rows(Tape<T>& tape, Var<T> raw, Var<T> y);

}  // namespace flowfit::autodiff
