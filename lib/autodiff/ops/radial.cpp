// The radial map scales x − c by a factor k(r) > 0; the inverse by 1 / k at the root of a quadratic.
#include "autodiff/ops/radial.h"

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {

template <class T>
Mapped<T> radial_map(Tape<T>& tape, Var<T> x, Var<T> centre, Var<T> width, Var<T> strength, bool inverse) {
  const Index rows = x.rows, n = x.cols;
  const Var<T> c = broadcast_rows(tape, centre, rows), wide = broadcast_rows(tape, width, rows),
               strong = broadcast_rows(tape, strength, rows);
  const bool grad = x.wants_grad() || c.wants_grad() || wide.wants_grad() || strong.wants_grad();
  const Var<T> y = tape.make(rows, n, grad), log_det = tape.make(rows, 1, grad);
  const auto column = [rows](T* p) { return Column<T>(p, rows); };
  // α and 1 + m with their slopes, |x − c|, r of the forward side, k = (r + α·(1 + m)) / (r + α), and r'(r) = s.
  T *alpha_data = tape.scratch(rows), *alpha_bend = tape.scratch(rows), *excess = tape.scratch(rows),
    *excess_bend = tape.scratch(rows), *length = tape.scratch(rows), *radius = tape.scratch(rows), *factor = tape.scratch(rows),
    *slope = tape.scratch(rows);
  softplus_columns(wide.value, rows, T(unit_softplus), alpha_data, alpha_bend);
  softplus_columns(strong.value, rows, T(unit_softplus), excess, excess_bend);
  // Far below any width that is of use, and no quotient of two of them overflows.
  column(alpha_data) = column(alpha_data).max(T(1e-12));
  const Column<T> alpha = column(alpha_data), e = column(excess);
  Column<T> l = column(length), r = column(radius), k = column(factor), s = column(slope);
  l.setZero();
  for (Index d = 0; d < n; ++d) l += (value_column(x, d) - value_column(c, d)).square();
  l = l.sqrt();
  if (inverse) {
    // r² + p·r = l·α with p = α·(1 + m) − l; the form of the root that adds and does not cancel.
    s = alpha * e - l;
    k = (s.square() + T(4) * l * alpha).sqrt();
    r = (s > T(0)).select(T(2) * l * alpha / (s + k).max(std::numeric_limits<T>::min()), (k - s) / T(2));
  } else {
    r = l;
  }
  k = (r + alpha * e) / (r + alpha);
  // 1 + m·t² with t = α / (r + α), where nothing cancels.
  s = alpha / (r + alpha);
  s = (e * s.square() + (T(1) + s) * r / (r + alpha)).max(std::numeric_limits<T>::min());
  k = k.max(std::numeric_limits<T>::min());
  const T sign = inverse ? T(-1) : T(1), others = static_cast<T>(n - 1);
  for (Index d = 0; d < n; ++d) {
    const auto away = value_column(x, d) - value_column(c, d);
    if (inverse)
      value_column(y, d) = value_column(c, d) + away / k;
    else
      value_column(y, d) = value_column(c, d) + away * k;
  }
  value_column(log_det, 0) = sign * (others * k.log() + s.log());

  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      const auto at = [rows](T* p) { return Column<T>(p, rows); };
      const Column<T> a = at(alpha_data), one_m = at(excess), len = at(length), rad = at(radius), scale = at(factor),
                      ds = at(slope), gl = adjoint_column(log_det, 0);
      T *gk_data = t->scratch(rows), *gs_data = t->scratch(rows), *gr_data = t->scratch(rows), *gm_data = t->scratch(rows),
        *ga_data = t->scratch(rows), *sum_data = t->scratch(rows);
      Column<T> gk = at(gk_data), gs = at(gs_data), gr = at(gr_data), gm = at(gm_data), ga = at(ga_data), sum = at(sum_data);
      gk.setZero();
      for (Index d = 0; d < n; ++d) gk += adjoint_column(y, d) * (value_column(x, d) - value_column(c, d));
      if (inverse) gk /= -scale.square();
      gk += sign * others * gl / scale;
      gs = sign * gl / ds;
      sum = (rad + a).inverse();
      // k = 1 + m·α/(r + α), s = 1 + m·α²/(r + α)², by r, m and α.
      const auto m = one_m - T(1);
      gr = -m * a * sum.square() * (gk + T(2) * a * sum * gs);
      gm = a * sum * (gk + a * sum * gs);
      ga = m * rad * sum.square() * (gk + T(2) * a * sum * gs);
      if (inverse) {
        // r·k(r) = l: dr = (dl − r·k_m·dm − r·k_α·dα) / s.
        gr /= ds;
        gm -= gr * rad * a * sum;
        ga -= gr * rad * m * rad * sum.square();
      }
      // l = |x − c| has no slope at 0; what it feeds has none there either.
      gr = (len > T(0)).select(gr / len.max(std::numeric_limits<T>::min()), T(0));
      if (strong.wants_grad()) adjoint_column(strong, 0) += gm * at(excess_bend);
      if (wide.wants_grad()) adjoint_column(wide, 0) += ga * at(alpha_bend);
      for (Index d = 0; d < n; ++d) {
        Column<T> g = adjoint_column(y, d);
        if (c.wants_grad()) adjoint_column(c, d) += g;
        if (inverse)
          g /= scale;
        else
          g *= scale;
        g += gr * (value_column(x, d) - value_column(c, d));
        if (x.wants_grad()) adjoint_column(x, d) += g;
        if (c.wants_grad()) adjoint_column(c, d) -= g;
      }
    });
  }
  return {y, log_det};
}

template Mapped<float> radial_map<float>(Tape<float>&, Var<float>, Var<float>, Var<float>, Var<float>, bool);
template Mapped<double> radial_map<double>(Tape<double>&, Var<double>, Var<double>, Var<double>, Var<double>, bool);

}  // namespace flowfit::autodiff
