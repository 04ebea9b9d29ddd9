// Triangular linear maps, and a linear map by its LU factors, both ways.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

inline constexpr double lu_smallest_diagonal = 1e-3;

/// M: lower or upper triangular, with diagonal softplus(raw + c) + 1e-3, 1 at raw = 0. R x … numbers: R = 1 (one M for all rows), or R = B. At least one of
/// `diagonal` and `bias` is there.
template <class T>
struct Triangular {
  bool upper = false;
  Var<T> strict;    ///< R x n(n−1)/2: the entries off the diagonal, row by row; empty: none, M is diagonal
  Var<T> diagonal;  ///< R x n raw numbers; empty: ones
  Var<T> bias;      ///< R x n; empty: zero
};

/// y = M·x + bias for each row (B x n); log_det = Σ log diagonal, B x 1.
template <class T>
Mapped<T> triangular_apply(Tape<T>& tape, const Triangular<T>& m, Var<T> x);
/// x with M·x + bias = y; log_det = −Σ log diagonal.
template <class T>
Mapped<T> triangular_solve(Tape<T>& tape, const Triangular<T>& m, Var<T> y);

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
