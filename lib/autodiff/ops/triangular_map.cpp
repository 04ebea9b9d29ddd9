// One triangular factor, shared by the rows of a block or each row's own: every step is a vector operation over the rows.
#include <cmath>
#include <type_traits>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/triangular.h"

namespace flowfit::autodiff {
namespace {

template <bool Own, class T, class E>
void add_adjoint(Var<T> v, Index j, const E& rows) {
  if constexpr (Own)
    column_of(v.adjoint, v.rows, j) += rows;
  else
    v.adjoint[j] += rows.sum();
}

// What stands off the diagonal in row i: columns first(i) … last(i) − 1, packed row by row.
struct Pattern {
  Index n;
  bool upper, diagonal_alone;
  Index first(Index i) const { return upper ? i + 1 : 0; }
  Index last(Index i) const { return diagonal_alone ? first(i) : upper ? n : i; }
  Index packed(Index i, Index j) const { return upper ? i * (n - 1) - i * (i - 1) / 2 + (j - i - 1) : i * (i - 1) / 2 + j; }
  // Row `step` of the substitution of M, and of that of Mᵀ from the other end.
  Index row(Index step) const { return upper ? n - 1 - step : step; }
  Index transposed_row(Index step) const { return upper ? step : n - 1 - step; }
};

template <class T>
struct Diagonal {
  T *value = nullptr, *slope = nullptr;  // R x n: the entries, and their slopes with respect to the raw numbers
  Index rows = 0;
};

// log_det: ±Σ log diagonal in every row.
template <class T>
Diagonal<T> unpack(Tape<T>& tape, Var<T> raw, Index n, Var<T> log_det, T sign) {
  if (raw.empty()) {
    log_det.val().setZero();
    return {};
  }
  const Diagonal<T> d{tape.scratch(raw.size()), tape.scratch(raw.size()), raw.rows};
  Column<T> sum = column_of(raw.rows == 1 ? tape.scratch(1) : log_det.value, raw.rows, 0);
  sum.setZero();
  for (Index i = 0; i < n; ++i) {
    Column<T> v = column_of(d.value, d.rows, i), slope = column_of(d.slope, d.rows, i);
    v = column_of(raw.value, raw.rows, i) + static_cast<T>(std::log(std::expm1(1.0 - lu_smallest_diagonal)));
    slope = (T(1) + (-v).exp()).inverse();
    v = v.max(T(0)) + (T(1) + (-v.abs()).exp()).log() + T(lu_smallest_diagonal);
    sum += sign * v.log();
  }
  if (raw.rows == 1) log_det.val().setConstant(sum[0]);
  return d;
}

template <class T>
Pattern pattern_of(const Triangular<T>& m, Index n) {
  return {n, m.upper, m.strict.empty()};
}

template <class T>
bool learns(const Triangular<T>& m) {
  return m.strict.wants_grad() || m.diagonal.wants_grad() || m.bias.wants_grad();
}

// Adds to the parameters' adjoints what entry (i, j) and bias i get: sign · left_i · right_j, and sign · left_i.
template <bool Own, class T>
void add_parameters(const Triangular<T>& m, const Diagonal<T>& d, T* left, T* right, Var<T> log_det, T sign) {
  const Index rows = log_det.rows, n = m.diagonal.empty() ? m.bias.cols : m.diagonal.cols;
  const Pattern at = pattern_of(m, n);
  for (Index i = 0; i < n; ++i) {
    const Column<T> l = column_of(left, rows, i);
    if (m.strict.wants_grad()) {
      for (Index j = at.first(i); j < at.last(i); ++j)
        add_adjoint<Own>(m.strict, at.packed(i, j), sign * l * column_of(right, rows, j));
    }
    if (d.value && m.diagonal.wants_grad())
      add_adjoint<Own>(m.diagonal, i,
                       sign *
                           (l * column_of(right, rows, i) + column_of(log_det.adjoint, rows, 0) / entry<Own>(d.value, rows, i)) *
                           entry<Own>(d.slope, rows, i));
    if (m.bias.wants_grad()) add_adjoint<Own>(m.bias, i, sign * l);
  }
}

template <bool Own, class T>
Mapped<T> apply(Tape<T>& tape, const Triangular<T>& m, Var<T> x) {
  const Index rows = x.rows, n = x.cols;
  const Var<T> y = tape.make(rows, n, x.wants_grad() || learns(m)), log_det = tape.make(rows, 1, m.diagonal.wants_grad());
  const Diagonal<T> d = unpack(tape, m.diagonal, n, log_det, T(1));
  const Pattern at = pattern_of(m, n);
  for (Index i = 0; i < n; ++i) {
    Column<T> out = column_of(y.value, rows, i);
    out = column_of(x.value, rows, i);
    if (d.value) out *= entry<Own>(d.value, rows, i);
    for (Index j = at.first(i); j < at.last(i); ++j) out += entry<Own>(m.strict, at.packed(i, j)) * column_of(x.value, rows, j);
    if (!m.bias.empty()) out += entry<Own>(m.bias, i);
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      if (learns(m)) add_parameters<Own>(m, d, y.adjoint, x.value, log_det, T(1));
      if (!x.wants_grad()) return;
      for (Index i = 0; i < n; ++i) {
        const Column<T> g = column_of(y.adjoint, rows, i);
        if (d.value)
          column_of(x.adjoint, rows, i) += entry<Own>(d.value, rows, i) * g;
        else
          column_of(x.adjoint, rows, i) += g;
        for (Index j = at.first(i); j < at.last(i); ++j)
          column_of(x.adjoint, rows, j) += entry<Own>(m.strict, at.packed(i, j)) * g;
      }
    });
  }
  return {y, log_det};
}

template <bool Own, class T>
Mapped<T> solve(Tape<T>& tape, const Triangular<T>& m, Var<T> y) {
  const Index rows = y.rows, n = y.cols;
  const Var<T> x = tape.make(rows, n, y.wants_grad() || learns(m)), log_det = tape.make(rows, 1, m.diagonal.wants_grad());
  const Diagonal<T> d = unpack(tape, m.diagonal, n, log_det, T(-1));
  const Pattern at = pattern_of(m, n);
  for (Index step = 0; step < n; ++step) {
    const Index i = at.row(step);
    Column<T> out = column_of(x.value, rows, i);
    out = column_of(y.value, rows, i);
    if (!m.bias.empty()) out -= entry<Own>(m.bias, i);
    for (Index j = at.first(i); j < at.last(i); ++j) out -= entry<Own>(m.strict, at.packed(i, j)) * column_of(x.value, rows, j);
    if (d.value) out /= entry<Own>(d.value, rows, i);
  }
  if (x.wants_grad()) {
    tape.on_backward([=] {
      // Mᵀ·s = adjoint of x, in place; then y gets s, the bias −s and M −s·xᵀ.
      for (Index step = 0; step < n; ++step) {
        const Index i = at.transposed_row(step);
        Column<T> s = column_of(x.adjoint, rows, i);
        if (d.value) s /= entry<Own>(d.value, rows, i);
        for (Index j = at.first(i); j < at.last(i); ++j)
          column_of(x.adjoint, rows, j) -= entry<Own>(m.strict, at.packed(i, j)) * s;
      }
      if (y.wants_grad()) y.adj() += x.adj();
      if (learns(m)) add_parameters<Own>(m, d, x.adjoint, x.value, log_det, T(-1));
    });
  }
  return {x, log_det};
}

template <class T>
bool of_each_row(const Triangular<T>& m) {
  return (m.diagonal.empty() ? m.bias : m.diagonal).rows != 1;
}

}  // namespace

template <class T>
Mapped<T> triangular_apply(Tape<T>& tape, const Triangular<T>& m, Var<T> x) {
  return of_each_row(m) ? apply<true>(tape, m, x) : apply<false>(tape, m, x);
}

template <class T>
Mapped<T> triangular_solve(Tape<T>& tape, const Triangular<T>& m, Var<T> y) {
  return of_each_row(m) ? solve<true>(tape, m, y) : solve<false>(tape, m, y);
}

#define FLOWFIT_INSTANTIATE(T)                                                    \
  template Mapped<T> triangular_apply<T>(Tape<T>&, const Triangular<T>&, Var<T>); \
  template Mapped<T> triangular_solve<T>(Tape<T>&, const Triangular<T>&, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
