// The bound on the spectral norm by repeated squaring of the Gram matrix, and its gradient from the product of all squares.
#include "autodiff/ops/spectral.h"

#include <cmath>

#include "autodiff/ops/gemm.h"

namespace flowfit::autodiff {

namespace {
constexpr int squarings = 6;
}

template <class T>
Var<T> bounded_weight(Tape<T>& tape, Var<T> w, T limit) {
  const Var<T> y = tape.make(w.rows, w.cols, w.wants_grad());
  const bool tall = w.rows >= w.cols;
  const Index n = tall ? w.cols : w.rows, size = n * n;
  // powers[k] = G^(2^k) divided by its norm; log_norm is the log of that norm.
  T* powers = tape.scratch((squarings + 1) * size);
  const Block<const T> whole{w.value, w.rows, w.cols, w.rows};
  const auto square = [n](T* m) { return Block<const T>{m, n, n, n}; };
  const auto normalize = [n](T* m) {
    const T norm = MatrixMap<T>(m, n, n).norm();
    if (norm > T(0)) MatrixMap<T>(m, n, n) /= norm;
    return std::log(static_cast<double>(norm));
  };
  std::fill_n(powers, size, T(0));
  if (tall)
    multiply_transposed_left<T>(whole, whole, {powers, n, n, n}, true);
  else
    multiply_transposed_right<T>(whole, whole, {powers, n, n, n});
  double log_norm = normalize(powers);
  const T gram_norm = static_cast<T>(std::exp(log_norm));
  for (T* m = powers; std::isfinite(log_norm) && m < powers + squarings * size; m += size) {
    multiply<T>(square(m), square(m), {m + size, n, n, n}, false);
    log_norm = 2 * log_norm + normalize(m + size);
  }
  // −inf for weights that are zero: nothing to bound.
  const double bound = std::exp(log_norm / (2 << squarings));
  const bool bounded = bound > static_cast<double>(limit);
  const T scale = bounded ? static_cast<T>(static_cast<double>(limit) / bound) : T(1);
  y.val() = scale * w.val();
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      w.adj() += scale * y.adj();
      if (!bounded) return;
      // d log σ̂ / dW = W·A (or A·W) with A = G^127 / tr(G^128), and G^127 = G·G²·G⁴ ⋯ G^64: its scale cancels.
      T *product = t->scratch(size), *next = t->scratch(size);
      std::copy_n(powers, size, product);
      for (int k = 1; k <= squarings; ++k) {
        multiply<T>(square(product), square(powers + k * size), {next, n, n, n}, false);
        std::swap(product, next);
        normalize(product);
      }
      const T trace = MatrixMap<T>(powers, n, n).cwiseProduct(MatrixMap<T>(product, n, n)).sum();
      const Var<T> direction = t->make(w.rows, w.cols, false);
      const Block<T> to{direction.value, w.rows, w.cols, w.rows};
      if (tall)
        multiply<T>(whole, square(product), to, false);
      else
        multiply<T>(square(product), whole, to, false);
      w.adj() -= scale * y.adj().cwiseProduct(w.val()).sum() / (trace * gram_norm) * direction.val();
    });
  }
  return y;
}

template Var<float> bounded_weight<float>(Tape<float>&, Var<float>, float);
template Var<double> bounded_weight<double>(Tape<double>&, Var<double>, double);

}  // namespace flowfit::autodiff
