// Building, taking apart and activating jets: vector operations over the rows of the block.
#include "autodiff/ops/jet.h"

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {
namespace {

constexpr double lipswish_scale = 1 / 1.1;

// φ, φ' and φ'' at z; each output may be missing.
template <class T>
void derivatives(Smooth activation, const Column<T>& z, Column<T> y, Column<T> first, Column<T> second) {
  switch (activation) {
    case Smooth::none:
      y = z;
      first.setOnes();
      second.setZero();
      break;
    case Smooth::tanh:
      y = z.tanh();
      first = T(1) - y.square();
      second = T(-2) * y * first;
      break;
    case Smooth::elu:
      second = z.min(T(0)).exp();
      y = z.max(T(0)) + (second - T(1));
      first = second;
      for (Index i = 0; i < z.size(); ++i) second[i] = z[i] < T(0) ? second[i] : T(0);
      break;
    case Smooth::silu:
    case Smooth::lipswish: {
      const T scale = activation == Smooth::silu ? T(1) : T(lipswish_scale);
      first = T(1) / (T(1) + (-z).exp());  // the sigmoid s; s' = s·(1 − s)
      second = first * (T(1) - first) * (T(2) + z * (T(1) - T(2) * first)) * scale;
      y = z * first * scale;
      first = (first + z * first * (T(1) - first)) * scale;
      break;
    }
    case Smooth::softplus:
      first = T(1) / (T(1) + (-z).exp());
      y = z.max(T(0)) + (T(1) + (-z.abs()).exp()).log();
      second = first * (T(1) - first);
      break;
  }
}

}  // namespace

template <class T>
Var<T> unit_tangents(Tape<T>& tape, Index rows, Index features) {
  const Var<T> v = tape.make(features * rows, features, false);
  v.val().setZero();
  for (Index k = 0; k < features; ++k) v.val().col(k).segment(k * rows, rows).setOnes();
  return v;
}

template <class T>
Var<T> probe_tangents(Tape<T>& tape, Index rows, Index features, const T* probes, Index count) {
  const Var<T> v = tape.make(count * rows, features, false);
  for (Index d = 0; d < features; ++d)
    for (Index k = 0; k < count; ++k) v.val().col(d).segment(k * rows, rows).setConstant(probes[k * features + d]);
  return v;
}

template <class T>
Var<T> make_jet(Tape<T>& tape, Var<T> x, Var<T> tangents) {
  const Var<T> jet = tape.make(x.rows + tangents.rows, x.cols, x.wants_grad() || tangents.wants_grad());
  jet.val().topRows(x.rows) = x.val();
  jet.val().bottomRows(tangents.rows) = tangents.val();
  if (jet.wants_grad()) {
    tape.on_backward([=] {
      if (x.wants_grad()) x.adj() += jet.adj().topRows(x.rows);
      if (tangents.wants_grad()) tangents.adj() += jet.adj().bottomRows(tangents.rows);
    });
  }
  return jet;
}

template <class T>
Var<T> jet_blocks(Tape<T>& tape, Var<T> jet, Index rows, Index first, Index count) {
  const Var<T> part = tape.make(count * rows, jet.cols, jet.wants_grad());
  part.val() = jet.val().middleRows(first * rows, count * rows);
  if (part.wants_grad()) tape.on_backward([=] { jet.adj().middleRows(first * rows, count * rows) += part.adj(); });
  return part;
}

template <class T>
Var<T> activate_jet(Tape<T>& tape, Smooth activation, Var<T> z, Var<T> shift, Index rows) {
  const Index units = z.cols, tangents = z.rows / rows - 1;
  const Var<T> y = tape.make(z.rows, units, z.wants_grad() || shift.wants_grad());
  T *first = tape.scratch(rows * units), *second = tape.scratch(rows * units), *sum = tape.scratch(rows);
  const auto block = [rows, total = z.rows](T* data, Index j, Index k) { return Column<T>(data + j * total + k * rows, rows); };
  for (Index j = 0; j < units; ++j) {
    Column<T> at(sum, rows);
    if (shift.rows == 1)
      at = block(z.value, j, 0) + shift.value[j];
    else
      at = block(z.value, j, 0) + value_column(shift, j);
    const Column<T> slope = column_of(first, rows, j);
    derivatives<T>(activation, at, block(y.value, j, 0), slope, column_of(second, rows, j));
    for (Index k = 1; k <= tangents; ++k) block(y.value, j, k) = slope * block(z.value, j, k);
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < units; ++j) {
        const Column<T> slope = column_of(first, rows, j), bend = column_of(second, rows, j);
        Column<T> g(sum, rows);
        g.setZero();
        for (Index k = 1; k <= tangents; ++k) {
          g += block(z.value, j, k) * block(y.adjoint, j, k);
          if (z.wants_grad()) block(z.adjoint, j, k) += slope * block(y.adjoint, j, k);
        }
        g = slope * block(y.adjoint, j, 0) + bend * g;
        if (z.wants_grad()) block(z.adjoint, j, 0) += g;
        if (!shift.wants_grad()) continue;
        if (shift.rows == 1)
          shift.adjoint[j] += g.sum();
        else
          adjoint_column(shift, j) += g;
      }
    });
  }
  return y;
}

template <class T>
Var<T> contract_tangents(Tape<T>& tape, Var<T> v, Var<T> w, Index rows, T scale) {
  const Var<T> y = tape.make(rows, 1, w.wants_grad());
  Column<T> sum = value_column(y, 0);
  sum.setZero();
  // Without gaps, v and w are columns of B numbers one after the other.
  const Index columns = v.size() / rows;
  for (Index j = 0; j < columns; ++j) sum += column_of(v.value, rows, j) * column_of(w.value, rows, j);
  sum *= scale;
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < columns; ++j)
        column_of(w.adjoint, rows, j) += scale * column_of(v.value, rows, j) * adjoint_column(y, 0);
    });
  }
  return y;
}

template <class T>
void factor_each(T* a, Index n, Index rows) {
  const auto at = [&](Index i, Index j) { return column_of(a, rows, i * n + j); };
  for (Index k = 0; k < n; ++k) {
    for (Index i = k + 1; i < n; ++i) {
      at(i, k) /= at(k, k);
      for (Index j = k + 1; j < n; ++j) at(i, j) -= at(i, k) * at(k, j);
    }
  }
}

template <class T>
void solve_each(const T* factors, Index n, Index rows, T* b) {
  const auto at = [&](Index i, Index j) {
    return Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>(factors + (i * n + j) * rows, rows);
  };
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < i; ++j) column_of(b, rows, i) -= at(i, j) * column_of(b, rows, j);
  for (Index i = n - 1; i >= 0; --i) {
    for (Index j = i + 1; j < n; ++j) column_of(b, rows, i) -= at(i, j) * column_of(b, rows, j);
    column_of(b, rows, i) /= at(i, i);
  }
}

template <class T>
void solve_transposed_each(const T* factors, Index n, Index rows, T* b) {
  const auto at = [&](Index i, Index j) {
    return Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>(factors + (i * n + j) * rows, rows);
  };
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < i; ++j) column_of(b, rows, i) -= at(j, i) * column_of(b, rows, j);
    column_of(b, rows, i) /= at(i, i);
  }
  for (Index i = n - 1; i >= 0; --i)
    for (Index j = i + 1; j < n; ++j) column_of(b, rows, i) -= at(j, i) * column_of(b, rows, j);
}

template <class T>
Var<T> log_det_identity_plus(Tape<T>& tape, Var<T> tangents, Index rows) {
  const Index n = tangents.cols;
  const Var<T> y = tape.make(rows, 1, tangents.wants_grad());
  T* factors = tape.scratch(n * n * rows);
  std::copy_n(tangents.value, n * n * rows, factors);
  for (Index i = 0; i < n; ++i) column_of(factors, rows, i * n + i) += T(1);
  factor_each(factors, n, rows);
  Column<T> sum = value_column(y, 0);
  sum.setZero();
  for (Index i = 0; i < n; ++i) sum += column_of(factors, rows, i * n + i).log();
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      // d log det / dJ is the inverse, transposed: column j of the inverse goes to row j.
      T* b = t->scratch(n * rows);
      for (Index j = 0; j < n; ++j) {
        std::fill_n(b, n * rows, T(0));
        column_of(b, rows, j) = adjoint_column(y, 0);
        solve_each(factors, n, rows, b);
        for (Index i = 0; i < n; ++i) column_of(tangents.adjoint, rows, j * n + i) += column_of(b, rows, i);
      }
    });
  }
  return y;
}

#define FLOWFIT_INSTANTIATE(T)                                                \
  template Var<T> unit_tangents<T>(Tape<T>&, Index, Index);                   \
  template Var<T> probe_tangents<T>(Tape<T>&, Index, Index, const T*, Index); \
  template Var<T> make_jet<T>(Tape<T>&, Var<T>, Var<T>);                      \
  template Var<T> jet_blocks<T>(Tape<T>&, Var<T>, Index, Index, Index);       \
  template Var<T> activate_jet<T>(Tape<T>&, Smooth, Var<T>, Var<T>, Index);   \
  template Var<T> contract_tangents<T>(Tape<T>&, Var<T>, Var<T>, Index, T);   \
  template Var<T> log_det_identity_plus<T>(Tape<T>&, Var<T>, Index);          \
  template void factor_each<T>(T*, Index, Index);                             \
  template void solve_each<T>(const T*, Index, Index, T*);                    \
  template void solve_transposed_each<T>(const T*, Index, Index, T*);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
