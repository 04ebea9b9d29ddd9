// Maps that change the weight of the tails, both with an inverse in closed form: written as value, slope and their derivatives at x, in each direction.
#include "autodiff/ops/heavy_tails.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/columns.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

/// Of f(x; p, q) at x within the box, B each: value, slope, d log slope / dx, and by each of the two parameters d value and d log slope.
template <class T>
struct Local {
  T *value, *slope, *bend, *value_p, *value_q, *log_p, *log_q;
};

template <class T>
Local<T> local(Tape<T>& tape, Index rows) {
  T* at = tape.scratch(7 * rows);
  return {at, at + rows, at + 2 * rows, at + 3 * rows, at + 4 * rows, at + 5 * rows, at + 6 * rows};
}

// log(|x| + √(x² + 1)), with the sign of x.
template <class T>
void asinh_lane(const T* x, Index rows, T* out) {
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) out[i] = std::abs(x[i]) + std::sqrt(x[i] * x[i] + T(1));
  Column<T> lane(out, rows);
  lane = lane.log();
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) out[i] = x[i] < T(0) ? -out[i] : out[i];
}

struct SinhArcsinh {
  // p = ε, q = δ.
  template <class T>
  static void at(Tape<T>& tape, const T* x, const T* p, const T* q, Index rows, const Local<T>& f) {
    T *a = tape.scratch(2 * rows), *e = a + rows;
    asinh_lane(x, rows, a);
    Column<T>(e, rows) = (ConstColumn<T>(q, rows) * ConstColumn<T>(a, rows) + ConstColumn<T>(p, rows)).exp();
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const T per = T(1) / e[i], sinh = T(0.5) * (e[i] - per), cosh = T(0.5) * (e[i] + per), tanh = sinh / cosh;
      const T root = std::sqrt(x[i] * x[i] + T(1));
      f.value[i] = sinh;
      f.slope[i] = q[i] * cosh / root;
      f.bend[i] = (q[i] * tanh - x[i] / root) / root;
      f.value_p[i] = cosh;
      f.value_q[i] = cosh * a[i];
      f.log_p[i] = tanh;
      f.log_q[i] = T(1) / q[i] + tanh * a[i];
    }
  }
  template <class T>
  static void solve(Tape<T>&, const T* y, const T* p, const T* q, Index rows, T* x) {
    asinh_lane(y, rows, x);
    Column<T>(x, rows) = ((ConstColumn<T>(x, rows) - ConstColumn<T>(p, rows)) / ConstColumn<T>(q, rows)).exp();
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) x[i] = T(0.5) * (x[i] - T(1) / x[i]);
  }
};

struct SignedPower {
  // p where x < 0, q elsewhere.
  template <class T>
  static void at(Tape<T>& tape, const T* x, const T* p, const T* q, Index rows, const Local<T>& f) {
    T *l = tape.scratch(2 * rows), *raised = l + rows;
    Column<T>(l, rows) = (T(1) + ConstColumn<T>(x, rows).abs()).log();
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) raised[i] = (x[i] < T(0) ? p[i] : q[i]) * l[i];
    Column<T>(raised, rows) = Column<T>(raised, rows).exp();
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const bool low = x[i] < T(0);
      const T power = low ? p[i] : q[i], sign = low ? T(-1) : T(1), far = T(1) + std::abs(x[i]),
              value = (raised[i] - T(1)) / power;
      const T by_power = sign * (raised[i] * l[i] - value) / power;
      f.value[i] = sign * value;
      f.slope[i] = raised[i] / far;
      f.bend[i] = sign * (power - T(1)) / far;
      f.value_p[i] = low ? by_power : T(0);
      f.value_q[i] = low ? T(0) : by_power;
      f.log_p[i] = low ? l[i] : T(0);
      f.log_q[i] = low ? T(0) : l[i];
    }
  }
  template <class T>
  static void solve(Tape<T>& tape, const T* y, const T* p, const T* q, Index rows, T* x) {
    T* power = tape.scratch(rows);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      power[i] = y[i] < T(0) ? p[i] : q[i];
      x[i] = T(1) + power[i] * std::abs(y[i]);
    }
    Column<T>(x, rows) = (Column<T>(x, rows).log() / ConstColumn<T>(power, rows)).exp();
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) x[i] = y[i] < T(0) ? T(1) - x[i] : x[i] - T(1);
  }
};

template <class T>
T held(T x, T bound) {
  const T low = x < -bound ? -bound : x;
  return low > bound ? bound : low;
}

// What a feature keeps for the way back: f at the held x, and how far x is beyond the box.
template <class T>
struct Kept {
  Local<T> f;
  T* beyond;
};

template <class T, class Kind>
Kept<T> run_feature(Tape<T>& tape, const T* in, const T* p, const T* q, Index rows, T bound, bool inverse, T* out, T* log_det) {
  const Kept<T> kept{local(tape, rows), tape.scratch(rows)};
  const Local<T>& f = kept.f;
  T *x = tape.scratch(rows), *beyond = kept.beyond;
  if (!inverse) {
    for (Index i = 0; i < rows; ++i) {
      x[i] = held(in[i], bound);
      beyond[i] = in[i] - x[i];
    }
    Kind::at(tape, x, p, q, rows, f);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) out[i] = f.value[i] + f.slope[i] * beyond[i];
  } else {
    // The images of the box's ends say whether y is inside.
    const Local<T> low = local(tape, rows), high = local(tape, rows);
    T *end = tape.scratch(2 * rows), *inside = end + rows;
    std::fill_n(end, rows, -bound);
    Kind::at(tape, end, p, q, rows, low);
    std::fill_n(end, rows, bound);
    Kind::at(tape, end, p, q, rows, high);
    for (Index i = 0; i < rows; ++i) inside[i] = std::min(std::max(in[i], low.value[i]), high.value[i]);
    Kind::solve(tape, inside, p, q, rows, x);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const bool below = in[i]<low.value[i], above = in[i]> high.value[i];
      const T from = below ? low.value[i] : high.value[i], slope = below ? low.slope[i] : high.slope[i];
      const T solved = std::min(std::max(x[i], -bound), bound);
      x[i] = below ? -bound : (above ? bound : solved);
      beyond[i] = below || above ? (in[i] - from) / slope : in[i] - in[i];  // a NaN stays one: NOLINT(misc-redundant-expression)
    }
    Kind::at(tape, x, p, q, rows, f);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) out[i] = x[i] + beyond[i];
  }
  Column<T> l(log_det, rows);
  l = ConstColumn<T>(f.slope, rows).log();
  if (inverse) l = -l;
  return kept;
}

template <class T>
void backward_feature(const Kept<T>& kept, Index rows, bool inverse, const T* g_out, const T* g_log_det, T* g_in, T* g_p,
                      T* g_q) {
  const Local<T>& f = kept.f;
  for (Index i = 0; i < rows; ++i) {
    // y = f + slope·beyond and log slope, by x and by the parameters. The inverse differentiates by the implicit function theorem:
    // with A = gx − gl·d log slope/dx, y gets A/slope, the parameters −A/slope through y and −gl through log slope.
    const bool inside = kept.beyond[i] == T(0);
    const T bend = inside ? f.bend[i] : T(0), gl = inverse ? -g_log_det[i] : g_log_det[i];
    const T through = inverse ? (g_out[i] + gl * bend) / f.slope[i] : T(0);
    const T gy = inverse ? -through : g_out[i], on_log = gl + gy * f.slope[i] * kept.beyond[i];
    if (g_in) g_in[i] += inverse ? through : gy * f.slope[i] + gl * bend;
    if (g_p) g_p[i] += gy * f.value_p[i] + on_log * f.log_p[i];
    if (g_q) g_q[i] += gy * f.value_q[i] + on_log * f.log_q[i];
  }
}

template <class Kind, class T>
Mapped<T> map(Tape<T>& tape, Var<T> x, Var<T> p, Var<T> q, double bound, bool inverse) {
  const Index rows = x.rows;
  const bool grad = x.wants_grad() || p.wants_grad() || q.wants_grad();
  const Var<T> y = tape.make(rows, x.cols, grad), log_det = tape.make(rows, x.cols, grad);
  Kept<T>* kept = tape.template scratch<Kept<T>>(x.cols);
  for (Index d = 0; d < x.cols; ++d) {
    kept[d] = run_feature<T, Kind>(tape, x.value + d * rows, p.value + d * rows, q.value + d * rows, rows, static_cast<T>(bound),
                                   inverse, y.value + d * rows, log_det.value + d * rows);
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index d = 0; d < x.cols; ++d) {
        backward_feature(kept[d], rows, inverse, y.adjoint + d * rows, log_det.adjoint + d * rows,
                         x.wants_grad() ? x.adjoint + d * rows : nullptr, p.wants_grad() ? p.adjoint + d * rows : nullptr,
                         q.wants_grad() ? q.adjoint + d * rows : nullptr);
      }
    });
  }
  return {y, log_det};
}

}  // namespace

template <class T>
Mapped<T> sinh_arcsinh_map(Tape<T>& tape, Var<T> x, Var<T> skew, Var<T> weight, double bound, bool inverse) {
  return map<SinhArcsinh>(tape, x, skew, weight, bound, inverse);
}

template <class T>
Mapped<T> signed_power_map(Tape<T>& tape, Var<T> x, Var<T> low, Var<T> high, double bound, bool inverse) {
  return map<SignedPower>(tape, x, low, high, bound, inverse);
}

#define FLOWFIT_INSTANTIATE(T)                                                            \
  template Mapped<T> sinh_arcsinh_map<T>(Tape<T>&, Var<T>, Var<T>, Var<T>, double, bool); \
  template Mapped<T> signed_power_map<T>(Tape<T>&, Var<T>, Var<T>, Var<T>, double, bool);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
