// Small ops: sums, columns moved about, shifts and scales.
#pragma once

#include <span>

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// a + b, same shape.
template <class T>
Var<T> add(Tape<T>& tape, Var<T> a, Var<T> b);
/// Sum over the columns: B x D → B x 1.
template <class T>
Var<T> row_sum(Tape<T>& tape, Var<T> x);
/// The same number in every entry; no gradient.
template <class T>
Var<T> constant(Tape<T>& tape, Index rows, Index cols, T value);
/// a and b side by side; an empty one is left out.
template <class T>
Var<T> concat(Tape<T>& tape, Var<T> a, Var<T> b);
/// y = x, into columns of a larger Var from `Tape::make`.
template <class T>
void copy(Tape<T>& tape, Var<T> x, Var<T> y);
/// y(:, j) = x(:, from[j]). `from` must outlive the tape's pass.
template <class T>
Var<T> gather_columns(Tape<T>& tape, Var<T> x, std::span<const int> from);
/// The columns of `from`, put at the places `to` of y (B x D, from `Tape::make`).
template <class T>
void scatter_columns(Tape<T>& tape, Var<T> from, Var<T> y, std::span<const int> to);
/// y = x·exp(log_scale) + shift, by column (log_scale, shift: 1 x D; an empty one is 0), or its inverse. log_det: B x 1.
template <class T>
Mapped<T> scale_shift(Tape<T>& tape, Var<T> x, Var<T> log_scale, Var<T> shift, bool inverse);
/// `times`·row (1 x D) in each of B rows: B x D.
template <class T>
Var<T> repeat_row(Tape<T>& tape, Var<T> row, Index rows, T times);
/// log density of a standard normal, summed over the columns: B x 1.
template <class T>
Var<T> standard_normal_log_prob(Tape<T>& tape, Var<T> z);
/// x with each entry kept with probability 1 − rate and divided by it, from uniform draws `u` (B x D, kept where u ≥ rate).
template <class T>
void dropout_columns(Tape<T>& tape, Var<T> x, Var<T> y, const T* uniforms, T rate, Index first, Index count);

}  // namespace flowfit::autodiff
