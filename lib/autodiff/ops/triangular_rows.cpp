// The linear map by its LU factors, when each row has factors of its own: every step is a vector operation over the rows.
#include <cmath>

#include "autodiff/ops/triangular.h"

namespace flowfit::autodiff {
namespace {

template <class T>
using Column = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;

// Where the entries of the packed row stand: lower and upper row by row, diagonal, bias.
struct Places {
  Index n;
  Index lower(Index i, Index j) const { return i * (i - 1) / 2 + j; }
  Index upper(Index i, Index j) const { return n * (n - 1) / 2 + i * (n - 1) - i * (i - 1) / 2 + (j - i - 1); }
  Index diagonal(Index i) const { return n * (n - 1) + i; }
  Index bias(Index i) const { return n * n + i; }
};

template <class T>
struct Matrices {
  T* data;
  Index rows;
  Column<T> operator[](Index column) const { return {data + column * rows, rows}; }
};

template <class T>
Matrices<T> value(Var<T> v) {
  return {v.value, v.rows};
}
template <class T>
Matrices<T> adjoint(Var<T> v) {
  return {v.adjoint, v.rows};
}

// Diagonals, their slopes with respect to the raw numbers, and the sum of their logs.
template <class T>
struct Diagonals {
  Matrices<T> value, slope;
};

template <class T>
Diagonals<T> diagonals(Tape<T>& tape, Var<T> raw, Index n, Column<T> log_sum) {
  const Places at{n};
  const Index rows = raw.rows;
  const Diagonals<T> d{{tape.scratch(n * rows), rows}, {tape.scratch(n * rows), rows}};
  log_sum.setZero();
  for (Index i = 0; i < n; ++i) {
    Column<T> v = d.value[i], s = d.slope[i];
    v = value(raw)[at.diagonal(i)] + static_cast<T>(std::log(std::expm1(1.0 - lu_smallest_diagonal)));
    s = (T(1) + (-v).exp()).inverse();
    v = v.max(T(0)) + (T(1) + (-v.abs()).exp()).log() + T(lu_smallest_diagonal);
    log_sum += v.log();
  }
  return d;
}

}  // namespace

template <class T>
Mapped<T> lu_apply_rows(Tape<T>& tape, Var<T> raw, Var<T> x) {
  const Index rows = x.rows, n = x.cols;
  const Places at{n};
  const bool grad = x.wants_grad() || raw.wants_grad();
  const Var<T> y = tape.make(rows, n, grad), log_det = tape.make(rows, 1, raw.wants_grad());
  const Diagonals<T> d = diagonals(tape, raw, n, value(log_det)[0]);
  const Matrices<T> middle{tape.scratch(rows * n), rows}, p = value(raw), in = value(x), out = value(y);
  for (Index i = 0; i < n; ++i) {
    middle[i] = d.value[i] * in[i];
    for (Index j = i + 1; j < n; ++j) middle[i] += p[at.upper(i, j)] * in[j];
  }
  for (Index i = 0; i < n; ++i) {
    out[i] = middle[i] + p[at.bias(i)];
    for (Index j = 0; j < i; ++j) out[i] += p[at.lower(i, j)] * middle[j];
  }
  if (grad) {
    tape.on_backward([=, t = &tape] {
      const Matrices<T> g{t->scratch(rows * n), rows}, gy = adjoint(y);
      for (Index i = 0; i < n; ++i) {
        g[i] = gy[i];
        for (Index k = i + 1; k < n; ++k) g[i] += p[at.lower(k, i)] * gy[k];
      }
      for (Index j = 0; x.wants_grad() && j < n; ++j) {
        adjoint(x)[j] += d.value[j] * g[j];
        for (Index i = 0; i < j; ++i) adjoint(x)[j] += p[at.upper(i, j)] * g[i];
      }
      if (!raw.wants_grad()) return;
      const Matrices<T> gp = adjoint(raw);
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < i; ++j) gp[at.lower(i, j)] += gy[i] * middle[j];
        for (Index j = i + 1; j < n; ++j) gp[at.upper(i, j)] += g[i] * in[j];
        gp[at.diagonal(i)] += (g[i] * in[i] + adjoint(log_det)[0] / d.value[i]) * d.slope[i];
        gp[at.bias(i)] += gy[i];
      }
    });
  }
  return {y, log_det};
}

template <class T>
Mapped<T> lu_solve_rows(Tape<T>& tape, Var<T> raw, Var<T> y) {
  const Index rows = y.rows, n = y.cols;
  const Places at{n};
  const bool grad = y.wants_grad() || raw.wants_grad();
  const Var<T> x = tape.make(rows, n, grad), log_det = tape.make(rows, 1, raw.wants_grad());
  const Diagonals<T> d = diagonals(tape, raw, n, value(log_det)[0]);
  value(log_det)[0] = -value(log_det)[0];
  const Matrices<T> middle{tape.scratch(rows * n), rows}, p = value(raw), in = value(y), out = value(x);
  for (Index i = 0; i < n; ++i) {
    middle[i] = in[i] - p[at.bias(i)];
    for (Index j = 0; j < i; ++j) middle[i] -= p[at.lower(i, j)] * middle[j];
  }
  for (Index i = n - 1; i >= 0; --i) {
    out[i] = middle[i];
    for (Index j = i + 1; j < n; ++j) out[i] -= p[at.upper(i, j)] * out[j];
    out[i] /= d.value[i];
  }
  if (grad) {
    tape.on_backward([=, t = &tape] {
      // As in lu_solve: Uᵀ·s = g, Lᵀ·r = s; y gets r, the bias −r, U −s·xᵀ and L −r·middleᵀ.
      const Matrices<T> s{t->scratch(rows * n), rows}, r{t->scratch(rows * n), rows};
      for (Index i = 0; i < n; ++i) {
        s[i] = adjoint(x)[i];
        for (Index j = 0; j < i; ++j) s[i] -= p[at.upper(j, i)] * s[j];
        s[i] /= d.value[i];
      }
      for (Index i = n - 1; i >= 0; --i) {
        r[i] = s[i];
        for (Index j = i + 1; j < n; ++j) r[i] -= p[at.lower(j, i)] * r[j];
      }
      for (Index i = 0; y.wants_grad() && i < n; ++i) adjoint(y)[i] += r[i];
      if (!raw.wants_grad()) return;
      const Matrices<T> gp = adjoint(raw);
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < i; ++j) gp[at.lower(i, j)] -= r[i] * middle[j];
        for (Index j = i + 1; j < n; ++j) gp[at.upper(i, j)] -= s[i] * out[j];
        gp[at.diagonal(i)] -= (s[i] * out[i] + adjoint(log_det)[0] / d.value[i]) * d.slope[i];
        gp[at.bias(i)] -= r[i];
      }
    });
  }
  return {x, log_det};
}

#define FLOWFIT_INSTANTIATE(T)                                   \
  template Mapped<T> lu_apply_rows<T>(Tape<T>&, Var<T>, Var<T>); \
  template Mapped<T> lu_solve_rows<T>(Tape<T>&, Var<T>, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
