// The product, then bias, skip and activation in one pass over each column.
#include "autodiff/ops/dense.h"

#include <utility>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/gemm.h"

namespace flowfit::autodiff {
namespace {

// max and min in place of a conditional: Eigen 3.4 vectorizes the former alone.
template <class T, class In, class Out>
void apply(Activation activation, const In& z, Out&& y) {
  switch (activation) {
    case Activation::none:
      y = z;
      break;
    case Activation::relu:
      y = z.max(T(0));
      break;
    case Activation::leaky_relu:
      y = z.max(T(0.01) * z);
      break;
    case Activation::elu:
      y = z.max(T(0)) + (z.min(T(0)).exp() - T(1));
      break;
    case Activation::tanh:
      y = z.tanh();
      break;
    case Activation::silu:
      y = z / (T(1) + (-z).exp());
      break;
  }
}

// g *= act'(z), from y = act(z) where that suffices, else from z.
template <class T>
void chain(Activation activation, Column<T> g, const T* y, const T* z) {
  const Index rows = g.size();
  const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> out(y, rows);
  switch (activation) {
    case Activation::none:
      break;
    case Activation::relu:
      for (Index i = 0; i < rows; ++i) g[i] = y[i] > T(0) ? g[i] : T(0);
      break;
    case Activation::leaky_relu:
      for (Index i = 0; i < rows; ++i) g[i] = y[i] > T(0) ? g[i] : T(0.01) * g[i];
      break;
    case Activation::elu:
      g *= out.min(T(0)) + T(1);
      break;
    case Activation::tanh:
      g *= T(1) - out.square();
      break;
    case Activation::silu: {
      const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> in(z, rows);
      g *= (T(1) + (-in).exp()).inverse() * (T(1) + in - out);
      break;
    }
  }
}

}  // namespace

template <class T>
void dense_columns(Tape<T>& tape, const DenseLayer<T>& layer, Var<T> x, Var<T> skip, Var<T> y, Var<T> before, Index first,
                   Index count) {
  if (count == 0) return;
  const Index rows = x.rows;
  const Var<T> weight = layer.weight, bias = layer.bias;
  const int* const prefix = layer.prefix ? layer.prefix + first : nullptr;
  const Activation activation = layer.activation;
  bool* const untouched = layer.untouched;
  const Index inputs = prefix ? prefix[count - 1] : x.cols;

  multiply<T>({x.value, rows, inputs, rows}, {weight.value + first * weight.rows, inputs, count, weight.rows},
              {y.value + first * rows, rows, count, rows}, false, prefix);
  for (Index j = first; j < first + count; ++j) {
    auto out = column_of(y.value, rows, j);
    if (bias.value) out += bias.value[j];
    if (!skip.empty()) out += column_of(skip.value, rows, j);
    if (activation == Activation::silu) column_of(before.value, rows, j) = out;
    apply<T>(activation, out, out);
  }

  if (!y.wants_grad()) return;
  tape.on_backward([=] {
    for (Index j = first; j < first + count; ++j) {
      auto g = column_of(y.adjoint, rows, j);
      chain<T>(activation, g, y.value + j * rows, activation == Activation::silu ? before.value + j * rows : nullptr);
      if (skip.wants_grad()) column_of(skip.adjoint, rows, j) += g;
      if (bias.wants_grad()) bias.adjoint[j] += g.sum();
    }
    const Block<const T> g{y.adjoint + first * rows, rows, count, rows};
    if (x.wants_grad())
      multiply_transposed_right<T>(g, {weight.value + first * weight.rows, inputs, count, weight.rows},
                                   {x.adjoint, rows, inputs, rows}, prefix);
    if (weight.wants_grad()) {
      const bool adds = !(untouched && std::exchange(*untouched, false));
      multiply_transposed_left<T>({x.value, rows, inputs, rows}, g,
                                  {weight.adjoint + first * weight.rows, inputs, count, weight.rows}, adds, prefix);
    }
  });
}

template <class T>
Var<T> dense(Tape<T>& tape, const DenseLayer<T>& layer, Var<T> x, Var<T> skip) {
  const bool grad = x.wants_grad() || layer.weight.wants_grad() || layer.bias.wants_grad() || skip.wants_grad();
  const Var<T> y = tape.make(x.rows, layer.weight.cols, grad);
  const Var<T> before = layer.activation == Activation::silu ? tape.make(x.rows, layer.weight.cols, false) : Var<T>{};
  dense_columns(tape, layer, x, skip, y, before, 0, layer.weight.cols);
  return y;
}

template <class T>
void activate_columns(Tape<T>& tape, Activation activation, Var<T> x, Var<T> y, Index first, Index count) {
  for (Index j = first; j < first + count; ++j)
    apply<T>(activation, column_of(x.value, x.rows, j), column_of(y.value, x.rows, j));
  if (!y.wants_grad()) return;
  tape.on_backward([=] {
    for (Index j = first; j < first + count; ++j) {
      auto g = column_of(y.adjoint, x.rows, j);
      chain<T>(activation, g, y.value + j * x.rows, x.value + j * x.rows);
      column_of(x.adjoint, x.rows, j) += g;
    }
  });
}

#define FLOWFIT_INSTANTIATE(T)                                                                                  \
  template void dense_columns<T>(Tape<T>&, const DenseLayer<T>&, Var<T>, Var<T>, Var<T>, Var<T>, Index, Index); \
  template Var<T> dense<T>(Tape<T>&, const DenseLayer<T>&, Var<T>, Var<T>);                                     \
  template void activate_columns<T>(Tape<T>&, Activation, Var<T>, Var<T>, Index, Index);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
