// The linear map by the exponential of a matrix.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// What the entries are: a full matrix A (D² numbers, row by row), or the lower half of a skew-symmetric one (D(D−1)/2, row by row; A_ji = −A_ij).
enum class Generator { full, skew };

/// y = exp(A)·x for each row (B x D), or exp(−A)·x when `inverse`; log_det = ±trace A, B x 1: 0 for a skew A, whose exponential is a rotation.
/// entries: R x D² or R x D(D−1)/2; R = 1 (one A for all rows) or B.
///
/// Scaling and squaring: exp(A) = p(A / 2^s)^(2^s) with ‖A / 2^s‖₁ ≤ 1/2 and p the Taylor polynomial of degree 14 (float64) or 8 (float32), whose remainder
/// is below 3e-17 or 6e-9, relative: under half a unit in the last place. See Moler, Van Loan, "Nineteen Dubious Ways to Compute the Exponential of a
/// Matrix, Twenty-Five Years Later", SIAM Review 2003, §3.
template <class T>
Mapped<T> exponential_map(Tape<T>& tape, Var<T> x, Var<T> entries, Generator generator, bool inverse);

}  // namespace flowfit::autodiff
