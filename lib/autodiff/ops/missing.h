// Rows with missing cells: the cells that are there, sums over them, and normals of them.
#pragma once

#include "autodiff/ops/gaussian.h"
#include "autodiff/tape.h"

namespace flowfit::autodiff {

template <class T>
struct Present {
  Var<T> x;      ///< B x D, with 0 in place of NaN
  Var<T> there;  ///< B x D, 1 where a cell is there, 0 where it is missing; no gradient
};

/// A NaN of x (B x D) is a missing cell.
template <class T>
Present<T> present(Tape<T>& tape, Var<T> x);

/// Sum over the columns of those terms (B x D) whose cell is there: B x 1. Other terms may be anything, not finite too, and their gradient is 0.
template <class T>
Var<T> sum_present(Tape<T>& tape, Var<T> terms, Var<T> there);

/// Log density of the cells of each row of x (B x D) that are there, under N(loc, L·Lᵀ) with all others integrated out: N(loc_o, (L·Lᵀ)_oo), 0 for a row without any,
/// −inf without a gradient where their covariance is singular in double. Into y (B x 1, from `Tape::make`). What costs D²/2 a row in normal_log_prob costs some D³/2 here.
template <class T>
void normal_log_prob_present(Tape<T>& tape, const NormalFactor<T>& factor, Var<T> x, Var<T> there, Var<T> y);

}  // namespace flowfit::autodiff
