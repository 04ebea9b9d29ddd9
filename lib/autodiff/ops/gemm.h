// Matrix products: the only ones in the project, so that one file decides their speed and their bits.
#pragma once

#include "autodiff/var.h"

namespace flowfit::autodiff {

/// A column-major block of a larger matrix; `stride` is the distance between columns.
template <class T>
struct Block {
  T* data;
  Index rows, cols, stride;
};

/// c = a·b, or c += a·b when `accumulate`. a: M x K, b: K x N, c: M x N. With M a multiple of 48 a row of c depends on that row of
/// a alone, bit for bit. The caller guarantees shapes; c overlaps neither input.
template <class T>
void multiply(Block<const T> a, Block<const T> b, Block<T> c, bool accumulate);
/// c += a·bᵀ. a: M x K, b: N x K.
template <class T>
void multiply_transposed_right(Block<const T> a, Block<const T> b, Block<T> c);
/// c += aᵀ·b. a: K x M, b: K x N.
template <class T>
void multiply_transposed_left(Block<const T> a, Block<const T> b, Block<T> c);

}  // namespace flowfit::autodiff
