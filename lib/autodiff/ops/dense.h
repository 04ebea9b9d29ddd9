// The dense layer, whole or by ranges of columns, masked or not, with its bias, its skip connection and its activation fused.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

enum class Activation { none, relu, elu, tanh, silu, leaky_relu };

/// A layer y = act(x·W + b + skip). W is In x Out in memory (the file's out x in, row by row).
template <class T>
struct DenseLayer {
  Var<T> weight;                ///< In x Out
  Var<T> bias;                  ///< 1 x Out
  const int* prefix = nullptr;  ///< Out counts, non-decreasing: unit j sees the inputs before prefix[j] alone; null: all of them
  Activation activation = Activation::none;
  /// While true, the weight's gradient holds anything inside the mask, and the first to add to it writes it and says so. Null: add.
  /// Only for a layer whose columns are all computed at once.
  bool* untouched = nullptr;
};

/// Computes columns [first, first + count) of y (B x Out, from `Tape::make`) from x (B x In), whose first prefix[first + count − 1] columns must
/// be there. `skip` (B x Out, or empty) is added before the activation. Masked blocks are skipped on both ways; weights outside the mask
/// must be zero and get a zero gradient. With `silu`, `before` must be B x Out too: it keeps x·W + b + skip.
template <class T>
void dense_columns(Tape<T>& tape, const DenseLayer<T>& layer, Var<T> x, Var<T> skip, Var<T> y, Var<T> before, Index first,
                   Index count);

/// The whole layer: B x Out.
template <class T>
Var<T> dense(Tape<T>& tape, const DenseLayer<T>& layer, Var<T> x, Var<T> skip = {});

/// y(:, first + i) = act(x(:, first + i)) for i < count, into a B x D output from `Tape::make`.
template <class T>
void activate_columns(Tape<T>& tape, Activation activation, Var<T> x, Var<T> y, Index first, Index count);

}  // namespace flowfit::autodiff
