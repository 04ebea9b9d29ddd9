// Eigen's matrix product, called from our own threads.
#include "autodiff/ops/gemm.h"

namespace flowfit::autodiff {
namespace {

template <class T>
using Strided = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstStrided = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

template <class T>
Strided<T> view(Block<T> b) {
  return {b.data, b.rows, b.cols, Eigen::OuterStride<>(b.stride)};
}
template <class T>
ConstStrided<T> view(Block<const T> b) {
  return {b.data, b.rows, b.cols, Eigen::OuterStride<>(b.stride)};
}

// Constants in place of this machine's caches, so that the order of the sums over a long inner dimension is the same everywhere.
const bool cache_sizes_are_fixed = [] {
  Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 8 << 20);
  return true;
}();

}  // namespace

template <class T>
void multiply(Block<const T> a, Block<const T> b, Block<T> c, bool accumulate) {
  if (accumulate)
    view(c).noalias() += view(a) * view(b);
  else
    view(c).noalias() = view(a) * view(b);
}

template <class T>
void multiply_transposed_right(Block<const T> a, Block<const T> b, Block<T> c) {
  view(c).noalias() += view(a) * view(b).transpose();
}

template <class T>
void multiply_transposed_left(Block<const T> a, Block<const T> b, Block<T> c) {
  view(c).noalias() += view(a).transpose() * view(b);
}

#define FLOWFIT_INSTANTIATE(T)                                                          \
  template void multiply<T>(Block<const T>, Block<const T>, Block<T>, bool);            \
  template void multiply_transposed_right<T>(Block<const T>, Block<const T>, Block<T>); \
  template void multiply_transposed_left<T>(Block<const T>, Block<const T>, Block<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
