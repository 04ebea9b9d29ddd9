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
  T *gram = tape.scratch(size), *power = tape.scratch(size), *product = tape.scratch(size), *next = tape.scratch(size);
  using Block_ = Block<const T>;
  const Block_ whole{w.value, w.rows, w.cols, w.rows};
  std::fill_n(gram, size, T(0));
  if (tall)
    multiply_transposed_left<T>(whole, whole, {gram, n, n, n});
  else
    multiply_transposed_right<T>(whole, whole, {gram, n, n, n});
  // power = G^(2^k) / its norm, log_norm the log of that norm; product = G·G²·G⁴⋯, scaled.
  const auto normalize = [&](T* m) {
    const T norm = MatrixMap<T>(m, n, n).norm();
    if (norm > T(0)) MatrixMap<T>(m, n, n) /= norm;
    return norm;
  };
  std::copy_n(gram, size, power);
  const T first = normalize(power);
  double log_norm = std::log(static_cast<double>(first));
  std::copy_n(power, size, product);
  for (int k = 0; k < squarings && first > T(0); ++k) {
    multiply<T>(Block_{power, n, n, n}, Block_{power, n, n, n}, {next, n, n, n}, false);
    std::swap(power, next);
    log_norm = 2 * log_norm + std::log(static_cast<double>(normalize(power)));
    multiply<T>(Block_{product, n, n, n}, Block_{power, n, n, n}, {next, n, n, n}, false);
    std::swap(product, next);
    normalize(product);
  }
  const double bound = first > T(0) ? std::exp(log_norm / (2 << squarings)) : 0;
  const T scale = bound > static_cast<double>(limit) ? static_cast<T>(static_cast<double>(limit) / bound) : T(1);
  y.val() = scale * w.val();
  if (y.wants_grad()) {
    const bool bounded = scale < T(1);
    tape.on_backward([=, t = &tape] {
      w.adj() += scale * y.adj();
      if (!bounded) return;
      // d log σ̂ / dW = W·A (or A·W) with A = G^127 / tr(G^128); the scale of `product` cancels.
      const T trace = MatrixMap<T>(gram, n, n).cwiseProduct(MatrixMap<T>(product, n, n)).sum();
      const T along = scale * y.adj().cwiseProduct(w.val()).sum() / trace;
      const Var<T> direction = t->make(w.rows, w.cols, false);
      if (tall)
        multiply<T>(Block_{w.value, w.rows, n, w.rows}, Block_{product, n, n, n}, {direction.value, w.rows, n, w.rows}, false);
      else
        multiply<T>(Block_{product, n, n, n}, Block_{w.value, n, w.cols, n}, {direction.value, n, w.cols, n}, false);
      w.adj() -= along * direction.val();
    });
  }
  return y;
}

template Var<float> bounded_weight<float>(Tape<float>&, Var<float>, float);
template Var<double> bounded_weight<double>(Tape<double>&, Var<double>, double);

}  // namespace flowfit::autodiff
