// Layer normalization over the columns of a row.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// As PyTorch's, so that a constant row stays finite.
inline constexpr double layer_norm_epsilon = 1e-5;

/// y = gain·(x − mean) / √(variance + 1e-5) + bias, mean and variance (divisor D) of each row's D numbers (Ba, Kiros, Hinton, "Layer Normalization", 2016).
/// x: B x D; gain, bias: 1 x D → B x D.
template <class T>
Var<T> layer_norm(Tape<T>& tape, Var<T> x, Var<T> gain, Var<T> bias);

}  // namespace flowfit::autodiff
