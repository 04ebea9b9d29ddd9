// Substitution by the factor column after column, and a mixture's sum in logarithms.
#include "autodiff/ops/gaussian.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {

template <class T>
void normal_log_prob(Tape<T>& tape, const NormalFactor<T>& f, Var<T> x, Var<T> y) {
  const Index rows = x.rows, n = x.cols;
  const bool full = !f.lower.empty();
  const auto entry = [](Index i, Index j) { return i * (i - 1) / 2 + j; };
  T* standard = tape.scratch(rows * n);  // z with L·z = x − loc
  const auto z = [=](Index j) { return Column<T>(standard + j * rows, rows); };
  auto sum = y.val_array().col(0);
  sum.setZero();
  double constant = -0.5 * std::log(2 * std::numbers::pi) * static_cast<double>(n);
  for (Index i = 0; i < n; ++i) {
    z(i) = x.val_array().col(i) - f.loc.value[i];
    for (Index j = 0; full && j < i; ++j) z(i) -= f.lower.value[entry(i, j)] * z(j);
    z(i) *= std::exp(-f.log_diagonal.value[i]);
    sum += z(i).square();
    constant -= static_cast<double>(f.log_diagonal.value[i]);
  }
  sum = static_cast<T>(constant) - T(0.5) * sum;
  if (!y.wants_grad() || !(x.wants_grad() || f.loc.wants_grad())) return;
  T* solved = tape.scratch(rows * n);
  tape.on_backward([=] {
    const auto g = y.adj_array().col(0);
    const T all = g.sum();
    // r = g·L⁻ᵀz, from the last column on.
    const auto r = [=](Index j) { return Column<T>(solved + j * rows, rows); };
    for (Index i = n - 1; i >= 0; --i) {
      r(i) = g * z(i);
      for (Index k = i + 1; full && k < n; ++k) r(i) -= f.lower.value[entry(k, i)] * r(k);
      r(i) *= std::exp(-f.log_diagonal.value[i]);
      if (x.wants_grad()) x.adj_array().col(i) -= r(i);
      if (!f.loc.wants_grad()) continue;
      f.loc.adjoint[i] += r(i).sum();
      for (Index j = 0; full && j < i; ++j) f.lower.adjoint[entry(i, j)] += (r(i) * z(j)).sum();
      f.log_diagonal.adjoint[i] += std::exp(f.log_diagonal.value[i]) * (r(i) * z(i)).sum() - all;
    }
  });
}

namespace {

// `own`: the logits of each row are its own.
template <bool own, class T>
Var<T> mixture(Tape<T>& tape, Var<T> terms, Var<T> logits) {
  const Index rows = terms.rows, n = terms.cols;
  const Var<T> y = tape.make(rows, 1, terms.wants_grad() || logits.wants_grad()), log_weights = tape.make(logits.rows, n, false);
  {
    Column<T> peak(tape.scratch(logits.rows), logits.rows), total(tape.scratch(logits.rows), logits.rows);
    softmax_terms(logits.value, n, logits.rows, log_weights.value, peak, total);
    peak += total.log();
    for (Index k = 0; k < n; ++k) value_column(log_weights, k) = value_column(logits, k) - peak;
  }
  T* tops = tape.scratch(rows);
  T* sums = tape.scratch(rows);
  Column<T> top(tops, rows), sum(sums, rows);
  const auto term = [=](Index k) { return terms.val_array().col(k) + entry<own>(log_weights, k); };
  // Where every term is −inf the least number takes the place of the largest: e^−inf, not e^NaN.
  top.setConstant(std::numeric_limits<T>::lowest());
  sum.setZero();
  for (Index k = 0; k < n; ++k) top = top.max(term(k));
  for (Index k = 0; k < n; ++k) sum += (term(k) - top).exp();
  y.val_array().col(0) = sum.log() + top;
  if (y.wants_grad()) {
    tape.on_backward([=] {
      // A row of −inf has no share of anything.
      for (Index i = 0; i < rows; ++i) {
        if (std::isinf(y.value[i])) y.adjoint[i] = 0, sums[i] = 1;
      }
      const Column<T> most(tops, rows), total(sums, rows);
      const auto g = y.adj_array().col(0);
      const T all = g.sum();
      for (Index k = 0; k < n; ++k) {
        // Not e^(term − y): far out y has no digits left for the logarithm of the sum.
        const auto share = g * (terms.val_array().col(k) + entry<own>(log_weights, k) - most).exp() / total;
        if (logits.wants_grad()) {
          if constexpr (own)
            adjoint_column(logits, k) += share - value_column(log_weights, k).exp() * g;
          else
            logits.adjoint[k] += share.sum() - std::exp(log_weights.value[k]) * all;
        }
        if (terms.wants_grad()) terms.adj_array().col(k) += share;
      }
    });
  }
  return y;
}

}  // namespace

template <class T>
Var<T> log_mixture(Tape<T>& tape, Var<T> terms, Var<T> logits) {
  return logits.rows == 1 ? mixture<false>(tape, terms, logits) : mixture<true>(tape, terms, logits);
}

#define FLOWFIT_INSTANTIATE(T)                                                        \
  template void normal_log_prob<T>(Tape<T>&, const NormalFactor<T>&, Var<T>, Var<T>); \
  template Var<T> log_mixture<T>(Tape<T>&, Var<T>, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
