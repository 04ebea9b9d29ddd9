// A layer with positive weights that carries the slope along: the diagonal blocks of a block-autoregressive network.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// Units that rise with one number x: their values, and d units / d x = slopes · exp(log_scale) with slopes that sum to 1 in each row, so
/// that many layers neither overflow nor vanish.
template <class T>
struct Rising {
  Var<T> value, slopes;  ///< B x units
  Var<T> log_scale;      ///< B x 1
};

/// x itself as one unit of slope 1. x: B x 1.
template <class T>
Rising<T> rising(Tape<T>& tape, Var<T> x);

/// z = offset + value·W with W = softplus(raw + c) / In > 0 (1 / In at raw = 0), then, where it is `bent`, tanh(z) + 0.01·z, which maps onto the line.
/// raw: In x Out; offset: B x Out.
template <class T>
Rising<T> rising_layer(Tape<T>& tape, const Rising<T>& in, Var<T> raw, Var<T> offset, bool bent);

/// y = x + σ·(f − x), σ = sigmoid(gate), f of one unit; log_det = log(1 − σ + σ·f'). x: B x 1, gate: 1 x 1.
template <class T>
Mapped<T> gated(Tape<T>& tape, Var<T> x, const Rising<T>& f, Var<T> gate);

}  // namespace flowfit::autodiff
