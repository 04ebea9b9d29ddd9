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

/// c = a·b, or c += a·b when `accumulate`. a: M x K, b: K x N, c: M x N. A row of c depends on that row of a alone, bit for bit, whatever M is and
/// wherever the row stands. The caller guarantees shapes; c overlaps neither input.
/// `prefix` (in all three products; null: nothing is masked): N numbers, not decreasing; b, the weight of a masked layer, is zero in column j
/// from row prefix[j] on, and what would be multiplied by these zeros is left out.
template <class T>
void multiply(Block<const T> a, Block<const T> b, Block<T> c, bool accumulate, const int* prefix = nullptr);
/// c += a·bᵀ. a: M x N, b: K x N, c: M x K.
template <class T>
void multiply_transposed_right(Block<const T> a, Block<const T> b, Block<T> c, const int* prefix = nullptr);
/// c = or += aᵀ·b. a: M x K, b: M x N, c: K x N; here `prefix` belongs to c: its masked entries are left alone.
template <class T>
void multiply_transposed_left(Block<const T> a, Block<const T> b, Block<T> c, bool accumulate, const int* prefix = nullptr);

}  // namespace flowfit::autodiff
