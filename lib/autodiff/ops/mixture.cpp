// The cumulative distribution function of a mixture, then the quantile function of its kind, in the smaller tail.
#include "autodiff/ops/mixture.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/normal_tail.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

// With g = G' and G(−z) = 1 − G(z): where all z_k of a row have one sign, everything small is scaled by e^s, s = the smallest −log of the k units' tails (about);
// otherwise s = 0. Of each unit are kept, K x B:
template <class T>
struct Units {
  T *tail, *density, *bend;  // G(−|z|)·e^s, g(z)·e^s, (log g)'(z)
  T *scale, *unscale;        // s and e^−s, B
};

template <class T>
Units<T> make_units(Tape<T>& tape, Index rows, Index units) {
  T* at = tape.scratch((3 * units + 2) * rows);
  const Index n = units * rows;
  return {at, at + n, at + 2 * n, at + 3 * n, at + 3 * n + rows};
}

template <class T>
void set_units(Tape<T>& tape, MixtureKind kind, const T* z, Index rows, Index units, const Units<T>& u) {
  const Index n = units * rows;
  T *low = tape.scratch(2 * rows), *high = low + rows, *tail = u.tail, *density = u.density, *bend = u.bend;
  std::copy_n(z, rows, low);
  std::copy_n(z, rows, high);
  for (Index k = 1; k < units; ++k) {
    const T* at = z + k * rows;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      low[i] = std::min(low[i], at[i]);
      high[i] = std::max(high[i], at[i]);
    }
  }
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) low[i] = std::max(std::max(low[i], -high[i]), T(0));  // the least |z| where the signs agree
  const bool normal = kind == MixtureKind::normal;
  for (Index k = 0; k < units; ++k) {
    const T* at = z + k * rows;
    T* energy = density + k * rows;
    if (normal) {
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) energy[i] = T(-0.5) * (std::abs(at[i]) - low[i]) * (std::abs(at[i]) + low[i]);
    } else {
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) energy[i] = low[i] - std::abs(at[i]);
    }
  }
  for (Index i = 0; i < rows; ++i) u.scale[i] = normal ? T(0.5) * low[i] * low[i] : low[i];
  Column<T>(u.unscale, rows) = (-ConstColumn<T>(u.scale, rows)).exp();
  Column<T> e(density, n);
  e = e.exp();
  if (normal) {
    const T factor = static_cast<T>(1 / std::sqrt(2 * std::numbers::pi));
    Column<T>(bend, n) = ConstColumn<T>(z, n).abs();
    mills_ratio(bend, n, tail, tape.scratch(3 * n));
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < n; ++i) {
      density[i] *= factor;
      tail[i] *= density[i];
      bend[i] = -z[i];
    }
    return;
  }
  for (Index k = 0; k < units; ++k) {
    const Index first = k * rows;
    const T* unscale = u.unscale;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const T scaled = density[first + i], small = scaled * unscale[i], per = T(1) / (T(1) + small);
      tail[first + i] = scaled * per;
      density[first + i] = scaled * per * per;
      const T b = (T(1) - small) * per;
      bend[first + i] = z[first + i] < T(0) ? b : -b;
    }
  }
}

// What one output keeps, B each: ±1/(g(y)·e^s), plus for the lower tail; (log g)'(y).
template <class T>
struct Output {
  T *per, *bend;
};

template <class T>
void set_output(Tape<T>& tape, MixtureKind kind, const T* z, const T* dz, const T* w, Index rows, Index units, const Units<T>& u,
                T* y, T* slope, const Output<T>& out) {
  T* scratch = tape.scratch(8 * rows);
  T *upper = scratch, *lower = scratch + rows, *log_p = scratch + 2 * rows, *mills = scratch + 3 * rows;
  std::fill_n(upper, 2 * rows, T(0));
  std::fill_n(slope, rows, T(0));
  const T* const unscale = u.unscale;
  for (Index k = 0; k < units; ++k) {
    const T *at = z + k * rows, *weight = w + k * rows, *tail = u.tail + k * rows, *density = u.density + k * rows,
            *d = dz + k * rows;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const T rest = T(1) - tail[i] * unscale[i];
      upper[i] += weight[i] * (at[i] < T(0) ? rest : tail[i]);
      lower[i] += weight[i] * (at[i] < T(0) ? tail[i] : rest);
      slope[i] += weight[i] * density[i] * d[i];
    }
  }
  // Where one is scaled it is the smaller one: scaled, it says nothing beside the other.
  T *p = log_p, *per = out.per, *bend = out.bend, *side = upper;
  const T* const scale = u.scale;
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) {
    const bool is_upper = scale[i] > T(0) ? z[i] > T(0) : upper[i] <= lower[i];
    p[i] = is_upper ? upper[i] : lower[i];
    side[i] = is_upper ? T(1) : T(-1);
  }
  if (kind == MixtureKind::normal) {
    T* q = y;
    std::copy_n(p, rows, per);
    Column<T>(log_p, rows) = ConstColumn<T>(p, rows).log() - ConstColumn<T>(u.scale, rows);
    // Rounding may take the smaller tail just above one half.
    Column<T>(log_p, rows) = ConstColumn<T>(log_p, rows).min(T(-0.6931471805599453));
    upper_quantile(log_p, rows, q, mills, mills + rows);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const T h = mills[i] / per[i];  // 1/(φ(q)·e^s)
      y[i] = side[i] * q[i];
      slope[i] *= h;
      per[i] = -side[i] * h;
      bend[i] = -y[i];
    }
    return;
  }
  T *other = bend, *log_other = mills;
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) {
    other[i] = T(1) - p[i] * unscale[i];
    per[i] = T(1) / (p[i] * other[i]);
  }
  Column<T>(log_other, rows) = ConstColumn<T>(other, rows).log();
  Column<T>(log_p, rows) = ConstColumn<T>(p, rows).log();
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) {
    y[i] = side[i] * (log_other[i] - log_p[i] + scale[i]);
    slope[i] *= per[i];
    per[i] *= -side[i];
    bend[i] = -side[i] * (T(2) * other[i] - T(1));
  }
}

// g: adjoints, of y, of the slope; g_z, g_dz, g_w: K x B, or null.
template <class T>
void output_backward(Tape<T>& tape, const T* z, const T* dz, const T* w, Index rows, Index units, const Units<T>& u,
                     const T* slope, const Output<T>& out, const T* g_y, const T* g_slope, T* g_z, T* g_dz, T* g_w) {
  T* g = tape.scratch(rows);  // on y, through its own density in the slope too
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < rows; ++i) g[i] = g_y[i] - g_slope[i] * slope[i] * out.bend[i];
  const T *per = out.per, *unscale = u.unscale;
  for (Index k = 0; k < units; ++k) {
    const Index first = k * rows;
    const T *at = z + first, *d = dz + first, *weight = w + first, *density = u.density + first, *tail = u.tail + first;
    const T* bend = u.bend + first;
    if (g_z) {
      T* to = g_z + first;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) to[i] += weight[i] * density[i] * std::abs(per[i]) * (g[i] + g_slope[i] * d[i] * bend[i]);
    }
    if (g_dz) {
      T* to = g_dz + first;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) to[i] += weight[i] * density[i] * std::abs(per[i]) * g_slope[i];
    }
    if (g_w) {
      T* to = g_w + first;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) {
        const bool is_small = (per[i] < T(0)) == !(at[i] < T(0));
        const T part = is_small ? tail[i] : T(1) - tail[i] * unscale[i];
        to[i] += g[i] * part * per[i] + g_slope[i] * density[i] * d[i] * std::abs(per[i]);
      }
    }
  }
}

}  // namespace

template <class T>
Tangent<T> mixture_quantile(Tape<T>& tape, MixtureKind kind, Tangent<T> z, Var<T> w, Index features) {
  const Index rows = z.value.rows, units = z.value.cols / features, outputs = w.cols / (features * units), group = units * rows;
  const bool grad = z.value.wants_grad() || z.slope.wants_grad() || w.wants_grad();
  const Var<T> y = tape.make(rows, features * outputs, grad), slope = tape.make(rows, features * outputs, grad);
  Units<T>* kept = tape.template scratch<Units<T>>(features);
  Output<T>* out = tape.template scratch<Output<T>>(features * outputs);
  for (Index d = 0; d < features; ++d) {
    const T *at = z.value.value + d * group, *dz = z.slope.value + d * group;
    kept[d] = make_units(tape, rows, units);
    set_units(tape, kind, at, rows, units, kept[d]);
    for (Index m = d * outputs; m < (d + 1) * outputs; ++m) {
      out[m] = {tape.scratch(rows), tape.scratch(rows)};
      set_output(tape, kind, at, dz, w.value + m * group, rows, units, kept[d], y.value + m * rows, slope.value + m * rows,
                 out[m]);
    }
  }
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      for (Index m = 0; m < features * outputs; ++m) {
        const Index d = m / outputs;
        output_backward(*t, z.value.value + d * group, z.slope.value + d * group, w.value + m * group, rows, units, kept[d],
                        slope.value + m * rows, out[m], y.adjoint + m * rows, slope.adjoint + m * rows,
                        z.value.wants_grad() ? z.value.adjoint + d * group : nullptr,
                        z.slope.wants_grad() ? z.slope.adjoint + d * group : nullptr,
                        w.wants_grad() ? w.adjoint + m * group : nullptr);
      }
    });
  }
  return {y, slope};
}

template <class T>
Tangent<T> mixture_units(Tape<T>& tape, Var<T> x, Var<T> a, Var<T> c) {
  const Index rows = x.rows, units = a.cols / x.cols;
  const Var<T> z = tape.make(rows, a.cols, x.wants_grad() || a.wants_grad() || c.wants_grad());
  for (Index k = 0; k < a.cols; ++k)
    z.val_array().col(k) = a.val_array().col(k) * (x.val_array().col(k / units) - c.val_array().col(k));
  if (z.wants_grad()) {
    tape.on_backward([=] {
      for (Index k = 0; k < a.cols; ++k) {
        const auto g = z.adj_array().col(k);
        if (x.wants_grad()) x.adj_array().col(k / units) += g * a.val_array().col(k);
        if (a.wants_grad()) a.adj_array().col(k) += g * (x.val_array().col(k / units) - c.val_array().col(k));
        if (c.wants_grad()) c.adj_array().col(k) -= g * a.val_array().col(k);
      }
    });
  }
  return {z, a};
}

template <class T>
Tangent<T> mixture_blend(Tape<T>& tape, Tangent<T> h, Var<T> u, Var<T> a, Var<T> c, Index features) {
  const Index rows = h.value.rows, inputs = h.value.cols / features, outputs = a.cols / features;
  const bool grad = h.value.wants_grad() || h.slope.wants_grad() || u.wants_grad() || a.wants_grad() || c.wants_grad();
  const Var<T> z = tape.make(rows, a.cols, grad), dz = tape.make(rows, a.cols, grad);
  // The sums less c; on the way back their adjoints take their place.
  const Var<T> sum{tape.scratch(a.size()), nullptr, rows, a.cols}, dsum{tape.scratch(a.size()), nullptr, rows, a.cols};
  const auto column = [](Var<T> v, Index j) { return Column<T>(v.value + j * v.rows, v.rows); };
  const auto adjoint = [](Var<T> v, Index j) { return Column<T>(v.adjoint + j * v.rows, v.rows); };
  for (Index i = 0; i < a.cols; ++i) {
    const Index first = i / outputs * inputs;
    Column<T> s = column(sum, i), ds = column(dsum, i);
    s.setZero();
    ds.setZero();
    for (Index j = 0; j < inputs; ++j) {
      s += column(u, i * inputs + j) * column(h.value, first + j);
      ds += column(u, i * inputs + j) * column(h.slope, first + j);
    }
    s -= column(c, i);
    column(z, i) = column(a, i) * s;
    column(dz, i) = column(a, i) * ds;
  }
  if (grad && tape.differentiates()) {
    tape.on_backward([=] {
      for (Index i = 0; i < a.cols; ++i) {
        const Index first = i / outputs * inputs;
        Column<T> s = column(sum, i), ds = column(dsum, i);
        if (a.wants_grad()) adjoint(a, i) += adjoint(z, i) * s + adjoint(dz, i) * ds;
        s = adjoint(z, i) * column(a, i);
        ds = adjoint(dz, i) * column(a, i);
        if (c.wants_grad()) adjoint(c, i) -= s;
        for (Index j = 0; j < inputs; ++j) {
          const Index place = i * inputs + j;
          if (u.wants_grad()) adjoint(u, place) += s * column(h.value, first + j) + ds * column(h.slope, first + j);
          if (h.value.wants_grad()) adjoint(h.value, first + j) += s * column(u, place);
          if (h.slope.wants_grad()) adjoint(h.slope, first + j) += ds * column(u, place);
        }
      }
    });
  }
  return {z, dz};
}

#define FLOWFIT_INSTANTIATE(T)                                                               \
  template Tangent<T> mixture_units<T>(Tape<T>&, Var<T>, Var<T>, Var<T>);                    \
  template Tangent<T> mixture_quantile<T>(Tape<T>&, MixtureKind, Tangent<T>, Var<T>, Index); \
  template Tangent<T> mixture_blend<T>(Tape<T>&, Tangent<T>, Var<T>, Var<T>, Var<T>, Index);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
