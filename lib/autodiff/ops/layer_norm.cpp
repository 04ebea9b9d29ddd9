// Layer normalization: sums run column after column, one vector operation over the rows each, so a row's bits are its own.
#include "autodiff/ops/layer_norm.h"

namespace flowfit::autodiff {

template <class T>
Var<T> layer_norm(Tape<T>& tape, Var<T> x, Var<T> gain, Var<T> bias) {
  const Index rows = x.rows, n = x.cols;
  const Var<T> y = tape.make(rows, n, x.wants_grad() || gain.wants_grad() || bias.wants_grad());
  const Var<T> standard = tape.make(rows, n, false), rates = tape.make(rows, 1, false), means = tape.make(rows, 1, false);
  const T share = T(1) / static_cast<T>(n);
  auto rate = rates.val_array().col(0), mean = means.val_array().col(0);
  mean.setZero();
  for (Index j = 0; j < n; ++j) mean += x.val_array().col(j);
  mean *= share;
  // About the mean, not the mean of squares less the square of the mean: that would lose the digits of a far row.
  rate.setZero();
  for (Index j = 0; j < n; ++j) {
    standard.val_array().col(j) = x.val_array().col(j) - mean;
    rate += standard.val_array().col(j).square();
  }
  rate = (rate * share + static_cast<T>(layer_norm_epsilon)).sqrt().inverse();
  for (Index j = 0; j < n; ++j) {
    standard.val_array().col(j) *= rate;
    y.val_array().col(j) = gain.value[j] * standard.val_array().col(j) + bias.value[j];
  }
  if (y.wants_grad()) {
    const Var<T> dots = tape.make(rows, 1, false);
    tape.on_backward([=] {
      // With h = gain·g and s the standardized row: dx = rate·(h − mean(h) − s·mean(h·s)).
      auto sum = means.val_array().col(0), dot = dots.val_array().col(0);
      const auto inverse = rates.val_array().col(0);
      sum.setZero();
      dot.setZero();
      for (Index j = 0; j < n; ++j) {
        const auto g = y.adj_array().col(j), s = standard.val_array().col(j);
        if (bias.wants_grad()) bias.adjoint[j] += g.sum();
        if (gain.wants_grad()) gain.adjoint[j] += (g * s).sum();
        sum += gain.value[j] * g;
        dot += gain.value[j] * g * s;
      }
      if (!x.wants_grad()) return;
      for (Index j = 0; j < n; ++j)
        x.adj_array().col(j) +=
            inverse * (gain.value[j] * y.adj_array().col(j) - share * (sum + standard.val_array().col(j) * dot));
    });
  }
  return y;
}

template Var<float> layer_norm<float>(Tape<float>&, Var<float>, Var<float>, Var<float>);
template Var<double> layer_norm<double>(Tape<double>&, Var<double>, Var<double>, Var<double>);

}  // namespace flowfit::autodiff
