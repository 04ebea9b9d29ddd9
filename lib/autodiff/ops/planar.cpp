// The planar map and its inverse, with gradients by hand; the inverse's by the implicit function theorem.
#include "autodiff/ops/planar.h"

#include "autodiff/implicit.h"
#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {

template <class T>
void solve_tanh(Tape<T>& tape, Var<T> s, const T* excess, T* a) {
  const auto map = [&tape, excess](Var<T> at) {
    const Var<T> y = tape.make(at.rows, at.cols, false), log_slope = tape.make(at.rows, at.cols, false);
    const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> e(excess, at.size());
    Column<T> v(at.value, at.size()), out(y.value, at.size()), slope(log_slope.value, at.size());
    slope = v.tanh();
    out = v + (e - T(1)) * slope;
    slope = slope.square();
    // The floor keeps the search going on the flat at a = 0 where 1 + m has underflowed.
    slope = (e + (T(1) - e) * slope).max(std::numeric_limits<T>::min()).log();
    return Mapped<T>{y, log_slope};
  };
  solve_increasing(tape, s, map, a);
}

template <class T>
Mapped<T> planar_map(Tape<T>& tape, Var<T> x, Var<T> weight, Var<T> scale, Var<T> bias, bool inverse) {
  const Index rows = x.rows, n = x.cols;
  const Var<T> w = broadcast_rows(tape, weight, rows), u = broadcast_rows(tape, scale, rows),
               b = broadcast_rows(tape, bias, rows);
  const bool grad = x.wants_grad() || w.wants_grad() || u.wants_grad() || b.wants_grad();
  const Var<T> y = tape.make(rows, n, grad), log_det = tape.make(rows, 1, grad);
  const auto column = [&](T* p) { return Column<T>(p, rows); };
  // |w|², 1 + m, its slope by w·u, (m − w·u) / |w|², w·x + b and in the end h = tanh(a), and d y / d x along w.
  T *squares = tape.scratch(rows), *excess = tape.scratch(rows), *bend = tape.scratch(rows), *along = tape.scratch(rows),
    *h = tape.scratch(rows), *slope = tape.scratch(rows);
  const Var<T> a = tape.make(rows, 1, false);
  Column<T> square = column(squares), c = column(along), ah = column(h), s = column(slope), at = column(a.value);
  square.setZero();
  c.setZero();
  at = value_column(b, 0);
  for (Index d = 0; d < n; ++d) {
    square += value_column(w, d).square();
    c += value_column(w, d) * value_column(u, d);
    at += value_column(w, d) * value_column(x, d);
  }
  square = square.max(T(1e-30));
  softplus_columns(along, rows, T(unit_softplus), excess, bend);
  c = (column(excess) - T(1) - c) / square;
  if (inverse) {
    solve_tanh(tape, a, excess, h);
    at = ah;
  }
  ah = at.tanh();
  s = (column(excess) + (T(1) - column(excess)) * ah.square()).max(std::numeric_limits<T>::min());
  const T sign = inverse ? T(-1) : T(1);
  for (Index d = 0; d < n; ++d)
    value_column(y, d) = value_column(x, d) + sign * (value_column(u, d) + c * value_column(w, d)) * ah;
  value_column(log_det, 0) = sign * s.log();

  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      const auto at_rows = [rows](T* p) { return Column<T>(p, rows); };
      const Column<T> squared = at_rows(squares), e = at_rows(excess), factor = at_rows(along), tanh = at_rows(h),
                      ds = at_rows(slope);
      T *gh_data = t->scratch(rows), *ga_data = t->scratch(rows), *gc_data = t->scratch(rows), *gm_data = t->scratch(rows),
        *gs_data = t->scratch(rows);
      Column<T> gh = at_rows(gh_data), ga = at_rows(ga_data), gc = at_rows(gc_data), gm = at_rows(gm_data), gs = at_rows(gs_data);
      gs = sign * adjoint_column(log_det, 0) / ds;
      gh = gs * T(2) * (T(1) - e) * tanh;
      gc.setZero();
      for (Index d = 0; d < n; ++d) {
        const auto g = sign * adjoint_column(y, d);
        gh += g * (value_column(u, d) + factor * value_column(w, d));
        gc += g * tanh * value_column(w, d);
      }
      ga = gh * (T(1) - tanh.square());
      gm = gs * (T(1) - tanh.square()) + gc / squared;
      if (inverse) {
        // a + m·tanh(a) = s: da = (ds − tanh(a)·dm) / (1 + m·tanh'(a)).
        ga /= ds;
        gm -= ga * tanh;
      }
      // w·u feeds m and û.
      gm = gm * at_rows(bend) - gc / squared;
      if (b.wants_grad()) adjoint_column(b, 0) += ga;
      for (Index d = 0; d < n; ++d) {
        const auto g = adjoint_column(y, d);
        if (x.wants_grad()) adjoint_column(x, d) += g + ga * value_column(w, d);
        if (u.wants_grad()) adjoint_column(u, d) += sign * g * tanh + gm * value_column(w, d);
        if (w.wants_grad())
          adjoint_column(w, d) += ga * value_column(x, d) + sign * g * tanh * factor + gm * value_column(u, d) -
                                  T(2) * gc * factor / squared * value_column(w, d);
      }
    });
  }
  return {y, log_det};
}

#define FLOWFIT_INSTANTIATE(T)                                 \
  template void solve_tanh<T>(Tape<T>&, Var<T>, const T*, T*); \
  template Mapped<T> planar_map<T>(Tape<T>&, Var<T>, Var<T>, Var<T>, Var<T>, bool);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
