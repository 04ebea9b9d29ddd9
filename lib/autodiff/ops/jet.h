// Jets: values and their derivatives along K tangents, carried forward together and differentiated backwards.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// A jet of B x C values is (1 + K)·B x C: the values, then a B x C block of derivatives for each tangent. A linear layer takes all of its rows alike
/// (`dense` without bias); the ops below do the rest.

/// lipswish is silu / 1.1: slopes of all but softplus and silu stay within ±1.
enum class Smooth { none, tanh, elu, silu, softplus, lipswish };

/// K·B x D, no gradient: tangent k is the unit vector e_k (K = D), or row k of `probes` (K x D, row by row) in every row of the block.
template <class T>
Var<T> unit_tangents(Tape<T>& tape, Index rows, Index features);
template <class T>
Var<T> probe_tangents(Tape<T>& tape, Index rows, Index features, const T* probes, Index count);

/// x (B x D) over its tangents (K·B x D).
template <class T>
Var<T> make_jet(Tape<T>& tape, Var<T> x, Var<T> tangents);
/// Blocks first … first + count − 1 of a jet of B rows each: 0 the values, then the tangents.
template <class T>
Var<T> jet_blocks(Tape<T>& tape, Var<T> jet, Index rows, Index first, Index count);
/// act(z + shift), and its derivatives. shift: B x C or 1 x C, constant along the tangents.
template <class T>
Var<T> activate_jet(Tape<T>& tape, Smooth activation, Var<T> z, Var<T> shift, Index rows);
/// scale · Σ_k v_k · w_k for each row, v and w of K·B x D: B x 1. With w_k = J·v_k: the trace of J for unit tangents, else an estimate of it. v gets no gradient.
template <class T>
Var<T> contract_tangents(Tape<T>& tape, Var<T> v, Var<T> w, Index rows, T scale);
/// log det(I + J), J·e_k the blocks of `tangents` (D·B x D), for J whose spectral norm is below 1: B x 1.
template <class T>
Var<T> log_det_identity_plus(Tape<T>& tape, Var<T> tangents, Index rows);

/// Dense systems, one a row of the block: entry (i, j) is the column of B numbers at a + (i·n + j)·B, as in the tangents of a Jacobian (D·B x D). LU without
/// pivots, in place: for I + J with |J| < 1, whose symmetric part is positive, it is stable. b: B x n, replaced by the solution.
template <class T>
void factor_each(T* a, Index n, Index rows);
template <class T>
void solve_each(const T* factors, Index n, Index rows, T* b);
template <class T>
void solve_transposed_each(const T* factors, Index n, Index rows, T* b);

}  // namespace flowfit::autodiff
