// The integral of a small positive network of one input, fused: at each node of the quadrature the network's lanes, and on the way back once more.
#include "autodiff/ops/positive_network.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/columns.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

constexpr double log_limit = 6.907755278982137;  // ln 1e3

// tanh from exp, which Eigen vectorizes in both types.
template <class T>
void tanh_lane(T* v, Index rows) {
  Column<T> lane(v, rows);
  lane = T(1) - T(2) / (T(1) + (T(2) * lane).exp());
}

/// One feature's network, and lanes for it at one place u.
template <class T>
struct Feature {
  Index rows, units;
  const T *steepness, *places, *weights, *bias;
  T *hidden, *g, *log_slope;  // K x B; g; d log g / dz

  void run(const T* u) const {
    std::copy_n(bias, rows, g);
    for (Index k = 0; k < units; ++k) {
      const T *a = steepness + k * rows, *c = places + k * rows;
      T* h = hidden + k * rows;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) h[i] = a[i] * (u[i] - c[i]);
    }
    tanh_lane(hidden, units * rows);
    for (Index k = 0; k < units; ++k) {
      const T *w = weights + k * rows, *h = hidden + k * rows;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) g[i] += w[i] * h[i];
    }
    Column<T> out(g, rows), slope(log_slope, rows);
    slope = out * T(1 / log_limit);
    tanh_lane(log_slope, rows);
    out = (T(log_limit) * slope).exp();
    slope = T(1) - slope.square();
  }
};

template <class T>
T* adjoint(Var<T> v, Index first_column) {
  return v.wants_grad() ? v.adjoint + first_column * v.rows : nullptr;
}

}  // namespace

template <class T>
Tangent<T> positive_network_integral(Tape<T>& tape, const Quadrature& quadrature, double bound, Var<T> x, Var<T> t,
                                     const PositiveNetwork<T>& network) {
  const Index rows = x.rows, units = network.weights.cols / x.cols, count = static_cast<Index>(quadrature.nodes.size());
  const bool grad = x.wants_grad() || t.wants_grad() || network.weights.wants_grad();
  const Var<T> y = tape.make(rows, x.cols, grad), slope = tape.make(rows, x.cols, grad);
  const T per = static_cast<T>(1 / bound);
  const Quadrature* q = &quadrature;
  T* scratch = tape.scratch((units + 6) * rows);
  T *u = scratch, *pre = scratch + rows, *zbar = scratch + 2 * rows, *ubar = scratch + 3 * rows;
  const auto feature = [=](Index d) {
    return Feature<T>{rows,
                      units,
                      network.steepness.value + d * units * rows,
                      network.places.value + d * units * rows,
                      network.weights.value + d * units * rows,
                      network.bias.value + d * rows,
                      scratch + 6 * rows,
                      scratch + 4 * rows,
                      scratch + 5 * rows};
  };
  const auto at_node = [=](const T* in, Index m) {
    const T node = m < count ? static_cast<T>(q->nodes[static_cast<std::size_t>(m)]) : T(1);  // the last is x itself
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) u[i] = in[i] * per * node;
  };
  for (Index d = 0; d < x.cols; ++d) {
    const Feature<T> f = feature(d);
    const T *in = x.value + d * rows, *offset = t.value + d * rows;
    T *mean = y.value + d * rows, *g_x = slope.value + d * rows;
    std::fill_n(mean, rows, T(0));
    for (Index m = 0; m < count; ++m) {
      at_node(in, m);
      f.run(u);
      const T w = static_cast<T>(q->weights[static_cast<std::size_t>(m)]);
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) mean[i] += w * f.g[i];
    }
    at_node(in, count);
    f.run(u);
    std::copy_n(f.g, rows, g_x);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) mean[i] = offset[i] + in[i] * mean[i];
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index d = 0; d < x.cols; ++d) {
        const Feature<T> f = feature(d);
        const T *in = x.value + d * rows, *gy = y.adjoint + d * rows, *gs = slope.adjoint + d * rows;
        for (Index m = 0; m <= count; ++m) {
          at_node(in, m);
          f.run(u);
          const T w = m < count ? static_cast<T>(q->weights[static_cast<std::size_t>(m)]) : T(0), last = m < count ? T(0) : T(1);
          FLOWFIT_VECTORIZE
          for (Index i = 0; i < rows; ++i) {
            zbar[i] = (w * in[i] * gy[i] + last * gs[i]) * f.g[i] * f.log_slope[i];
            ubar[i] = T(0);
          }
          if (T* to = adjoint(network.bias, d)) Column<T>(to, rows) += ConstColumn<T>(zbar, rows);
          for (Index k = 0; k < units; ++k) {
            const Index column = d * units + k;
            const T *a = f.steepness + k * rows, *c = f.places + k * rows, *v = f.weights + k * rows, *h = f.hidden + k * rows;
            FLOWFIT_VECTORIZE
            for (Index i = 0; i < rows; ++i) {
              pre[i] = zbar[i] * v[i] * (T(1) - h[i] * h[i]);
              ubar[i] += pre[i] * a[i];
            }
            if (T* to = adjoint(network.weights, column))
              Column<T>(to, rows) += ConstColumn<T>(zbar, rows) * ConstColumn<T>(h, rows);
            if (T* to = adjoint(network.places, column))
              Column<T>(to, rows) -= ConstColumn<T>(pre, rows) * ConstColumn<T>(a, rows);
            if (T* to = adjoint(network.steepness, column))
              Column<T>(to, rows) += ConstColumn<T>(pre, rows) * (ConstColumn<T>(u, rows) - ConstColumn<T>(c, rows));
          }
          if (T* to = m == count ? adjoint(x, d) : nullptr) Column<T>(to, rows) += per * ConstColumn<T>(ubar, rows);
        }
        if (T* to = adjoint(t, d)) Column<T>(to, rows) += ConstColumn<T>(gy, rows);
        if (T* to = adjoint(x, d)) Column<T>(to, rows) += ConstColumn<T>(gy, rows) * ConstColumn<T>(slope.value + d * rows, rows);
      }
    });
  }
  return {y, slope};
}

template Tangent<float> positive_network_integral<float>(Tape<float>&, const Quadrature&, double, Var<float>, Var<float>,
                                                         const PositiveNetwork<float>&);
template Tangent<double> positive_network_integral<double>(Tape<double>&, const Quadrature&, double, Var<double>, Var<double>,
                                                           const PositiveNetwork<double>&);

}  // namespace flowfit::autodiff
