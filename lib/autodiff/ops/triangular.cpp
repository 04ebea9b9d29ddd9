// Products with, and substitution by, the unpacked triangular factors.
#include "autodiff/ops/triangular.h"

#include <cmath>

#include "autodiff/ops/gemm.h"

namespace flowfit::autodiff {
namespace {

// Full D x D matrices (zeros included: the products then need no cases) and what the chain rule of the diagonal needs.
template <class T>
struct Unpacked {
  Index size;
  T *lower, *upper, *slope, *log_diagonal;  // column-major D x D twice; D and 1 numbers
};

template <class T>
Unpacked<T> unpack(Tape<T>& tape, const LuFactors<T>& f) {
  const Index n = f.diagonal.size();
  Unpacked<T> u{n, tape.scratch(n * n), tape.scratch(n * n), tape.scratch(n), tape.scratch(1)};
  std::fill_n(u.lower, n * n, T(0));
  std::fill_n(u.upper, n * n, T(0));
  *u.log_diagonal = 0;
  Index l = 0, r = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < i; ++j) u.lower[j * n + i] = f.lower.value[l++];
    for (Index j = i + 1; j < n; ++j) u.upper[j * n + i] = f.upper.value[r++];
    const T v = f.diagonal.value[i] + static_cast<T>(std::log(std::expm1(1.0 - lu_smallest_diagonal)));
    const T d = std::max(v, T(0)) + std::log1p(std::exp(-std::abs(v))) + T(lu_smallest_diagonal);
    u.lower[i * n + i] = 1;
    u.upper[i * n + i] = d;
    u.slope[i] = T(1) / (T(1) + std::exp(-v));
    *u.log_diagonal += std::log(d);
  }
  return u;
}

// Adds the gradients of the full factors and of Σ log diagonal to the packed parameters.
template <class T>
void pack(const LuFactors<T>& f, const Unpacked<T>& u, const T* lower, const T* upper, T log_det) {
  Index l = 0, r = 0;
  for (Index i = 0; i < u.size; ++i) {
    for (Index j = 0; j < i; ++j) f.lower.adjoint[l++] += lower[j * u.size + i];
    for (Index j = i + 1; j < u.size; ++j) f.upper.adjoint[r++] += upper[j * u.size + i];
    f.diagonal.adjoint[i] += (upper[i * u.size + i] + log_det / u.upper[i * u.size + i]) * u.slope[i];
  }
}

}  // namespace

template <class T>
Mapped<T> lu_apply(Tape<T>& tape, const LuFactors<T>& f, Var<T> x) {
  const Index rows = x.rows, n = x.cols;
  const Unpacked<T> u = unpack(tape, f);
  const bool learns = f.diagonal.wants_grad();
  const Var<T> y = tape.make(rows, n, x.wants_grad() || learns), log_det = tape.make(rows, 1, learns);
  T* middle = tape.scratch(rows * n);
  // Rows are vectors: (L·U·x)ᵀ = xᵀ·Uᵀ·Lᵀ. multiply_transposed_right accumulates.
  std::fill_n(middle, rows * n, T(0));
  multiply_transposed_right<T>({x.value, rows, n, rows}, {u.upper, n, n, n}, {middle, rows, n, rows});
  y.val().rowwise() = Eigen::Map<const Eigen::Matrix<T, 1, Eigen::Dynamic>>(f.bias.value, n);
  multiply_transposed_right<T>({middle, rows, n, rows}, {u.lower, n, n, n}, {y.value, rows, n, rows});
  log_det.val().setConstant(*u.log_diagonal);
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      T* g = t->scratch(rows * n);
      multiply<T>({y.adjoint, rows, n, rows}, {u.lower, n, n, n}, {g, rows, n, rows}, false);
      if (x.wants_grad()) multiply<T>({g, rows, n, rows}, {u.upper, n, n, n}, {x.adjoint, rows, n, rows}, true);
      if (!learns) return;
      T* lower = t->scratch(n * n);
      T* upper = t->scratch(n * n);
      std::fill_n(lower, n * n, T(0));
      std::fill_n(upper, n * n, T(0));
      multiply_transposed_left<T>({y.adjoint, rows, n, rows}, {middle, rows, n, rows}, {lower, n, n, n}, true);
      multiply_transposed_left<T>({g, rows, n, rows}, {x.value, rows, n, rows}, {upper, n, n, n}, true);
      pack(f, u, lower, upper, log_det.adj().sum());
      for (Index j = 0; j < n; ++j) f.bias.adjoint[j] += y.adj().col(j).sum();
    });
  }
  return {y, log_det};
}

template <class T>
Mapped<T> lu_solve(Tape<T>& tape, const LuFactors<T>& f, Var<T> y) {
  const Index rows = y.rows, n = y.cols;
  const Unpacked<T> u = unpack(tape, f);
  const bool learns = f.diagonal.wants_grad();
  const Var<T> x = tape.make(rows, n, y.wants_grad() || learns), log_det = tape.make(rows, 1, learns);
  const Var<T> middle = tape.make(rows, n, false);
  // Substitution column by column: each step is one vector operation over the rows of the block.
  for (Index i = 0; i < n; ++i) {
    middle.val_array().col(i) = y.val_array().col(i) - f.bias.value[i];
    for (Index j = 0; j < i; ++j) middle.val_array().col(i) -= u.lower[j * n + i] * middle.val_array().col(j);
  }
  for (Index i = n - 1; i >= 0; --i) {
    x.val_array().col(i) = middle.val_array().col(i);
    for (Index j = i + 1; j < n; ++j) x.val_array().col(i) -= u.upper[j * n + i] * x.val_array().col(j);
    x.val_array().col(i) /= u.upper[i * n + i];
  }
  log_det.val().setConstant(-*u.log_diagonal);
  if (x.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      // With g the adjoint of x: Uᵀ·s = g, Lᵀ·r = s; then y gets r, the bias −r, U −s·xᵀ and L −r·middleᵀ.
      const Var<T> s = t->make(rows, n, false), r = t->make(rows, n, false);
      for (Index i = 0; i < n; ++i) {
        s.val_array().col(i) = x.adj_array().col(i);
        for (Index j = 0; j < i; ++j) s.val_array().col(i) -= u.upper[i * n + j] * s.val_array().col(j);
        s.val_array().col(i) /= u.upper[i * n + i];
      }
      for (Index i = n - 1; i >= 0; --i) {
        r.val_array().col(i) = s.val_array().col(i);
        for (Index j = i + 1; j < n; ++j) r.val_array().col(i) -= u.lower[i * n + j] * r.val_array().col(j);
      }
      if (y.wants_grad()) y.adj() += r.val();
      if (!learns) return;
      T* lower = t->scratch(n * n);
      T* upper = t->scratch(n * n);
      std::fill_n(lower, n * n, T(0));
      std::fill_n(upper, n * n, T(0));
      multiply_transposed_left<T>({r.value, rows, n, rows}, {middle.value, rows, n, rows}, {lower, n, n, n}, true);
      multiply_transposed_left<T>({s.value, rows, n, rows}, {x.value, rows, n, rows}, {upper, n, n, n}, true);
      for (Index k = 0; k < n * n; ++k) {
        lower[k] = -lower[k];
        upper[k] = -upper[k];
      }
      pack(f, u, lower, upper, -log_det.adj().sum());
      for (Index j = 0; j < n; ++j) f.bias.adjoint[j] -= r.val().col(j).sum();
    });
  }
  return {x, log_det};
}

namespace {

// The two factors of each row, from its packed numbers.
template <class T>
struct RowFactors {
  RowFactors(Var<T> raw, Index n) {
    const Index strict = n * (n - 1) / 2;
    lower.strict = raw.columns(0, strict);
    lower.bias = raw.columns(n * n, n);
    upper.upper = true;
    upper.strict = raw.columns(strict, strict);
    upper.diagonal = raw.columns(2 * strict, n);
  }
  Triangular<T> lower, upper;
};

}  // namespace

template <class T>
Mapped<T> lu_apply_rows(Tape<T>& tape, Var<T> raw, Var<T> x) {
  const RowFactors<T> f(raw, x.cols);
  const Mapped<T> middle = triangular_apply(tape, f.upper, x);
  return {triangular_apply(tape, f.lower, middle.value).value, middle.log_det};
}

template <class T>
Mapped<T> lu_solve_rows(Tape<T>& tape, Var<T> raw, Var<T> y) {
  const RowFactors<T> f(raw, y.cols);
  return triangular_solve(tape, f.upper, triangular_solve(tape, f.lower, y).value);
}

#define FLOWFIT_INSTANTIATE(T)                                           \
  template Mapped<T> lu_apply<T>(Tape<T>&, const LuFactors<T>&, Var<T>); \
  template Mapped<T> lu_solve<T>(Tape<T>&, const LuFactors<T>&, Var<T>); \
  template Mapped<T> lu_apply_rows<T>(Tape<T>&, Var<T>, Var<T>);         \
  template Mapped<T> lu_solve_rows<T>(Tape<T>&, Var<T>, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
