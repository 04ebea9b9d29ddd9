// The triangular network of a Sylvester map; its inverse by substitution, and that one's gradient by the implicit function theorem.
#include "autodiff/ops/sylvester.h"

#include "autodiff/ops/columns.h"
#include "autodiff/ops/planar.h"

namespace flowfit::autodiff {
namespace {

constexpr double smallest_inner = 1e-3;

// B x M each: 1 + p and R̃'s diagonal with their slopes, x of the forward side, h = tanh(R̃·x + b), and 1 + p·h'.
template <class T>
struct Kept {
  T *excess, *excess_bend, *inner, *inner_bend, *x, *h, *slope;
};

// Where entry (i, j), i < j, of an upper triangle of M rows is packed.
Index packed(Index m, Index i, Index j) { return i * (m - 1) - i * (i - 1) / 2 + (j - i - 1); }

// Adjoints of x + R·tanh(R̃·x + b) = w with respect to the parameters, and (into gx) to x without the identity's part: from the adjoint gw of w and gl of Σ log
// slope. ga: scratch, B x M.
template <class T>
void network_backward(const SylvesterCore<T>& p, const Kept<T>& kept, Index rows, Index m, const T* gw, const T* gl, T* ga,
                      T* gx) {
  const auto col = [rows](T* data, Index j) { return column_of(data, rows, j); };
  const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> l(gl, rows);
  const auto g = [&](Index i) { return Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>(gw + i * rows, rows); };
  for (Index i = 0; i < m; ++i) {
    const Column<T> h = col(kept.h, i), e = col(kept.excess, i), s = col(kept.slope, i), inner = col(kept.inner, i);
    Column<T> a = col(ga, i);
    a = g(i) * (e - T(1)) / inner + l * T(2) * (T(1) - e) * h / s;
    for (Index k = 0; k < i; ++k) a += g(k) * value_column(p.outer, packed(m, k, i));
    a *= T(1) - h.square();
    if (p.product.wants_grad())
      adjoint_column(p.product, i) += (g(i) * h / inner + l * (T(1) - h.square()) / s) * col(kept.excess_bend, i);
    if (p.inner_diagonal.wants_grad())
      adjoint_column(p.inner_diagonal, i) +=
          (a * col(kept.x, i) - g(i) * h * (e - T(1)) / inner.square()) * col(kept.inner_bend, i);
    if (p.bias.wants_grad()) adjoint_column(p.bias, i) += a;
    for (Index j = i + 1; j < m; ++j) {
      if (p.outer.wants_grad()) adjoint_column(p.outer, packed(m, i, j)) += g(i) * col(kept.h, j);
      if (p.inner.wants_grad()) adjoint_column(p.inner, packed(m, i, j)) += a * col(kept.x, j);
    }
  }
  for (Index j = 0; j < m; ++j) {
    Column<T> out = col(gx, j);
    out = col(ga, j) * col(kept.inner, j);
    for (Index i = 0; i < j; ++i) out += col(ga, i) * value_column(p.inner, packed(m, i, j));
  }
}

// g := λ with (I + R·diag(h')·R̃)ᵀ·λ = g, from the first entry on. tau: scratch, B x M.
template <class T>
void solve_transposed(const SylvesterCore<T>& p, const Kept<T>& kept, Index rows, Index m, T* g, T* tau) {
  const auto col = [rows](T* data, Index j) { return column_of(data, rows, j); };
  for (Index k = 0; k < m; ++k) {
    const Column<T> h = col(kept.h, k), inner = col(kept.inner, k);
    Column<T> t = col(tau, k), lambda = col(g, k);
    t.setZero();
    for (Index i = 0; i < k; ++i) t += value_column(p.outer, packed(m, i, k)) * col(g, i);
    lambda -= inner * (T(1) - h.square()) * t;
    for (Index j = 0; j < k; ++j) lambda -= value_column(p.inner, packed(m, j, k)) * col(tau, j);
    lambda /= col(kept.slope, k);
    t = (T(1) - h.square()) * (t + (col(kept.excess, k) - T(1)) / inner * lambda);
  }
}

}  // namespace

template <class T>
Mapped<T> sylvester_core(Tape<T>& tape, const SylvesterCore<T>& given, Var<T> v, bool inverse) {
  const Index rows = v.rows, m = v.cols;
  const SylvesterCore<T> p{broadcast_rows(tape, given.outer, rows), broadcast_rows(tape, given.inner, rows),
                           broadcast_rows(tape, given.product, rows), broadcast_rows(tape, given.inner_diagonal, rows),
                           broadcast_rows(tape, given.bias, rows)};
  const bool grad = v.wants_grad() || p.bias.wants_grad();
  const Var<T> value = tape.make(rows, m, grad), log_det = tape.make(rows, 1, grad);
  const auto room = [&] { return tape.scratch(rows * m); };
  const Kept<T> kept{room(), room(), room(), room(), room(), room(), room()};
  const auto col = [rows](T* data, Index j) { return column_of(data, rows, j); };
  softplus_columns(p.product.value, rows * m, T(unit_softplus), kept.excess, kept.excess_bend);
  softplus_columns(p.inner_diagonal.value, rows * m, T(unit_softplus), kept.inner, kept.inner_bend);
  Column<T>(kept.inner, rows * m) += T(smallest_inner);
  Column<T> log_sum = value_column(log_det, 0);
  log_sum.setZero();
  const Var<T> a = tape.make(rows, 1, false);
  Column<T> at = value_column(a, 0);
  for (Index i = m - 1; i >= 0; --i) {
    const Column<T> e = col(kept.excess, i), inner = col(kept.inner, i);
    Column<T> x = col(kept.x, i), h = col(kept.h, i), s = col(kept.slope, i), out = value_column(value, i);
    // What the later entries give to this one; then x itself.
    out.setZero();
    at = value_column(p.bias, i);
    for (Index j = i + 1; j < m; ++j) {
      out += value_column(p.outer, packed(m, i, j)) * col(kept.h, j);
      at += value_column(p.inner, packed(m, i, j)) * col(kept.x, j);
    }
    x = value_column(v, i);
    if (inverse) x -= out;
    at += inner * x;
    if (inverse) {
      solve_tanh(tape, a, kept.excess + i * rows, kept.h + i * rows);
      at = h;
    }
    h = at.tanh();
    out += (e - T(1)) / inner * h;
    if (inverse) {
      x = value_column(v, i) - out;
      out = -out;
    }
    s = (e + (T(1) - e) * h.square()).max(std::numeric_limits<T>::min());
    log_sum += s.log();
  }
  if (inverse) log_sum = -log_sum;

  if (value.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      T *ga = t->scratch(rows * m), *gx = t->scratch(rows * m), *g = t->scratch(rows * m);
      if (!inverse) {
        network_backward(p, kept, rows, m, value.adjoint, log_det.adjoint, ga, gx);
        if (v.wants_grad()) v.adj_array() += ArrayMap<T>(gx, rows, m);
        return;
      }
      // x = v + value. The adjoint of x, with what log_det gives to it through the network; then of w = v and of the parameters at fixed x.
      T* gl = t->scratch(rows);
      for (Index i = 0; i < rows; ++i) gl[i] = -log_det.adjoint[i];
      for (Index i = 0; i < m; ++i) {
        const auto h = column_of(kept.h, rows, i);
        column_of(ga, rows, i) = Column<T>(gl, rows) * T(2) * (T(1) - column_of(kept.excess, rows, i)) * h * (T(1) - h.square()) /
                                 column_of(kept.slope, rows, i);
      }
      for (Index j = 0; j < m; ++j) {
        Column<T> out = column_of(g, rows, j);
        out = adjoint_column(value, j) + column_of(ga, rows, j) * column_of(kept.inner, rows, j);
        for (Index i = 0; i < j; ++i) out += column_of(ga, rows, i) * value_column(p.inner, packed(m, i, j));
      }
      solve_transposed(p, kept, rows, m, g, ga);
      if (v.wants_grad()) v.adj_array() += ArrayMap<T>(g, rows, m) - value.adj_array();
      for (Index i = 0; i < rows * m; ++i) g[i] = -g[i];
      network_backward(p, kept, rows, m, g, gl, ga, gx);
    });
  }
  return {value, log_det};
}

template <class T>
Var<T> widen(Tape<T>& tape, Var<T> x, Index cols) {
  if (x.cols == cols) return x;
  const Var<T> y = tape.make(x.rows, cols, x.wants_grad());
  y.columns(0, x.cols).val() = x.val();
  y.columns(x.cols, cols - x.cols).val().setZero();
  if (y.wants_grad()) tape.on_backward([=] { x.adj() += y.columns(0, x.cols).adj(); });
  return y;
}

#define FLOWFIT_INSTANTIATE(T)                                                           \
  template Mapped<T> sylvester_core<T>(Tape<T>&, const SylvesterCore<T>&, Var<T>, bool); \
  template Var<T> widen<T>(Tape<T>&, Var<T>, Index);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
