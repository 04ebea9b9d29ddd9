// Positive layers: a sum for each pair of units, each a vector operation over the rows.
#include "autodiff/ops/monotone.h"

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {

namespace {
constexpr double leak = 0.01;
}

template <class T>
Rising<T> rising(Tape<T>& tape, Var<T> x) {
  const Var<T> one = tape.make(x.rows, 1, false), zero = tape.make(x.rows, 1, false);
  one.val().setOnes();
  zero.val().setZero();
  return {x, one, zero};
}

template <class T>
Rising<T> rising_layer(Tape<T>& tape, const Rising<T>& in, Var<T> raw, Var<T> offset, bool bent) {
  const Index rows = in.value.rows, inputs = raw.rows, units = raw.cols;
  const bool grad = in.value.wants_grad() || in.slopes.wants_grad() || raw.wants_grad() || offset.wants_grad();
  const Rising<T> out{tape.make(rows, units, grad), tape.make(rows, units, grad), tape.make(rows, 1, grad)};
  // W and its slope by raw; tanh(z) and the slope of the activation; the sum of the slopes before they are divided by it.
  T *weight = tape.scratch(raw.size()), *weight_bend = tape.scratch(raw.size()), *tanh_data = tape.scratch(rows * units),
    *act_data = tape.scratch(rows * units), *sum_data = tape.scratch(rows);
  softplus_columns(raw.value, raw.size(), T(unit_softplus), weight, weight_bend);
  const T share = T(1) / static_cast<T>(inputs);
  for (Index k = 0; k < raw.size(); ++k) {
    weight[k] *= share;
    weight_bend[k] *= share;
  }
  Column<T> sum(sum_data, rows);
  sum.setZero();
  for (Index j = 0; j < units; ++j) {
    Column<T> z = value_column(out.value, j), s = value_column(out.slopes, j);
    z = value_column(offset, j);
    s.setZero();
    for (Index i = 0; i < inputs; ++i) {
      z += weight[j * inputs + i] * value_column(in.value, i);
      s += weight[j * inputs + i] * value_column(in.slopes, i);
    }
    if (bent) {
      Column<T> h = column_of(tanh_data, rows, j), a = column_of(act_data, rows, j);
      h = z.tanh();
      z = h + T(leak) * z;
      a = T(1 + leak) - h.square();
      s *= a;
    }
    sum += s;
  }
  for (Index j = 0; j < units; ++j) value_column(out.slopes, j) /= sum;
  value_column(out.log_scale, 0) = value_column(in.log_scale, 0) + sum.log();

  if (out.value.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      const Column<T> total(sum_data, rows);
      T *shared_data = t->scratch(rows), *gz_data = t->scratch(rows), *gq_data = t->scratch(rows);
      Column<T> shared(shared_data, rows), gz(gz_data, rows), gq(gq_data, rows);
      if (in.log_scale.wants_grad()) adjoint_column(in.log_scale, 0) += adjoint_column(out.log_scale, 0);
      // slopes = u / Σu and log Σu, with u_j = act'(z_j)·q_j and q = slopes of the inputs · W.
      shared = adjoint_column(out.log_scale, 0);
      for (Index j = 0; j < units; ++j) shared -= adjoint_column(out.slopes, j) * value_column(out.slopes, j);
      for (Index j = 0; j < units; ++j) {
        gz = adjoint_column(out.value, j);
        gq = (adjoint_column(out.slopes, j) + shared) / total;
        if (bent) {
          const Column<T> h = column_of(tanh_data, rows, j), a = column_of(act_data, rows, j);
          // gq·q = gu·u / act'.
          gz = gz * a - T(2) * h * (T(1) - h.square()) * gq * value_column(out.slopes, j) * total / a;
          gq *= a;
        }
        if (offset.wants_grad()) adjoint_column(offset, j) += gz;
        for (Index i = 0; i < inputs; ++i) {
          const Index k = j * inputs + i;
          if (in.value.wants_grad()) adjoint_column(in.value, i) += weight[k] * gz;
          if (in.slopes.wants_grad()) adjoint_column(in.slopes, i) += weight[k] * gq;
          if (raw.wants_grad())
            raw.adjoint[k] += weight_bend[k] * (gz * value_column(in.value, i) + gq * value_column(in.slopes, i)).sum();
        }
      }
    });
  }
  return out;
}

template <class T>
Mapped<T> gated(Tape<T>& tape, Var<T> x, const Rising<T>& f, Var<T> gate) {
  const Index rows = x.rows;
  const bool grad = x.wants_grad() || f.value.wants_grad() || gate.wants_grad();
  const Var<T> y = tape.make(rows, 1, grad), log_det = tape.make(rows, 1, grad);
  // σ and 1 − σ by the smaller exponential.
  const T small = std::exp(-std::abs(gate.value[0])), near = T(1) / (T(1) + small), far = small / (T(1) + small);
  const T open = gate.value[0] < T(0) ? far : near, closed = gate.value[0] < T(0) ? near : far;
  T *largest = tape.scratch(rows), *share = tape.scratch(rows);  // max(log f', 0); σ·f' / (1 − σ + σ·f')
  Column<T> m(largest, rows), w(share, rows);
  m = value_column(f.log_scale, 0).max(T(0));
  w = open * (value_column(f.log_scale, 0) - m).exp();
  value_column(log_det, 0) = (closed * (-m).exp() + w).log() + m;
  w /= closed * (-m).exp() + w;
  value_column(y, 0) = closed * value_column(x, 0) + open * value_column(f.value, 0);
  if (y.wants_grad()) {
    tape.on_backward([=] {
      const Column<T> g = adjoint_column(y, 0), gl = adjoint_column(log_det, 0), part(share, rows);
      if (x.wants_grad()) adjoint_column(x, 0) += closed * g;
      if (f.value.wants_grad()) adjoint_column(f.value, 0) += open * g;
      if (f.log_scale.wants_grad()) adjoint_column(f.log_scale, 0) += part * gl;
      // dσ = σ·(1 − σ); d log_det / dσ = (f' − 1) / slope, and f' / slope = share / σ, 1 / slope = (1 − share) / (1 − σ).
      if (gate.wants_grad())
        gate.adjoint[0] +=
            (open * closed * (value_column(f.value, 0) - value_column(x, 0)) * g + (closed * part - open * (T(1) - part)) * gl)
                .sum();
    });
  }
  return {y, log_det};
}

#define FLOWFIT_INSTANTIATE(T)                                                          \
  template Rising<T> rising<T>(Tape<T>&, Var<T>);                                       \
  template Rising<T> rising_layer<T>(Tape<T>&, const Rising<T>&, Var<T>, Var<T>, bool); \
  template Mapped<T> gated<T>(Tape<T>&, Var<T>, const Rising<T>&, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
