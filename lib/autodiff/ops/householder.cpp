// Reflections one after the other, each a vector operation over the rows of the block.
#include "autodiff/ops/householder.h"

#include <algorithm>

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {
namespace {

// 2 / |v|², with a floor under the norm.
template <class T>
void twice_over_square(T* squares, Var<T> v, Index k, Index n) {
  Column<T> s = column_of(squares, v.rows, k);
  s.setZero();
  for (Index d = 0; d < n; ++d) s += column_of(v.value, v.rows, k * n + d).square();
  s = T(2) / s.max(T(1e-30));
}

template <bool Own, class T>
Var<T> reflect_by(Tape<T>& tape, Var<T> x, Var<T> v, bool backwards) {
  const Index rows = x.rows, n = x.cols, count = v.cols / n;
  const Var<T> y = tape.make(rows, n, x.wants_grad() || v.wants_grad());
  // c_k = 2·v·x / |v|² of each row, and 2 / |v|²: with them the way back undoes one reflection after the other and needs no x between them.
  T *c = tape.scratch(rows * count), *scales = tape.scratch(v.rows * count);
  std::copy_n(x.value, x.size(), y.value);
  for (Index step = 0; step < count; ++step) {
    const Index k = backwards ? count - 1 - step : step;
    twice_over_square(scales, v, k, n);
    Column<T> ck = column_of(c, rows, k);
    ck.setZero();
    for (Index d = 0; d < n; ++d) ck += entry<Own>(v, k * n + d) * column_of(y.value, rows, d);
    if constexpr (Own)
      ck *= column_of(scales, rows, k);
    else
      ck *= scales[k];
    for (Index d = 0; d < n; ++d) column_of(y.value, rows, d) -= entry<Own>(v, k * n + d) * ck;
  }
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      // y = x − c·v. With q = 2·v·g / |v|² and g the adjoint of y: x gets g − q·v, and v gets −c·g − q·y.
      T *now = t->scratch(rows * n), *qs = t->scratch(rows);
      std::copy_n(y.value, y.size(), now);
      Column<T> q = column_of(qs, rows, 0);
      for (Index step = count - 1; step >= 0; --step) {
        const Index k = backwards ? count - 1 - step : step;
        const Column<T> ck = column_of(c, rows, k);
        q.setZero();
        for (Index d = 0; d < n; ++d) q += entry<Own>(v, k * n + d) * column_of(y.adjoint, rows, d);
        if constexpr (Own)
          q *= column_of(scales, rows, k);
        else
          q *= scales[k];
        for (Index d = 0; d < n; ++d) {
          const auto vd = entry<Own>(v, k * n + d);
          Column<T> g = column_of(y.adjoint, rows, d), at = column_of(now, rows, d);
          if (v.wants_grad()) {
            if constexpr (Own)
              column_of(v.adjoint, rows, k * n + d) -= ck * g + q * at;
            else
              v.adjoint[k * n + d] -= (ck * g + q * at).sum();
          }
          at += vd * ck;
          g -= vd * q;
        }
      }
      if (x.wants_grad()) x.adj() += y.adj();
    });
  }
  return y;
}

}  // namespace

template <class T>
Var<T> reflect(Tape<T>& tape, Var<T> x, Var<T> vectors, bool backwards) {
  return vectors.rows == 1 ? reflect_by<false>(tape, x, vectors, backwards) : reflect_by<true>(tape, x, vectors, backwards);
}

template Var<float> reflect<float>(Tape<float>&, Var<float>, Var<float>, bool);
template Var<double> reflect<double>(Tape<double>&, Var<double>, Var<double>, bool);

}  // namespace flowfit::autodiff
