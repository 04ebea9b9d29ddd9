// The integral of a sum of squared polynomials, fused. By quadrature, which is exact here: a sum of positive terms, where the integral's own coefficients would cancel.
#include "autodiff/ops/sum_of_squares.h"

#include <algorithm>

#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

// p(u) and p'(u) by Horner's rule; c: `count` lanes.
template <class T>
void polynomial(const T* c, Index count, const T* u, Index rows, T* p, T* slope) {
  std::copy_n(c + (count - 1) * rows, rows, p);
  std::fill_n(slope, rows, T(0));
  for (Index l = count - 2; l >= 0; --l) {
    const T* at = c + l * rows;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      slope[i] = slope[i] * u[i] + p[i];
      p[i] = p[i] * u[i] + at[i];
    }
  }
}

}  // namespace

template <class T>
Tangent<T> sum_of_squares(Tape<T>& tape, const Quadrature& quadrature, double bound, double least, Var<T> x, Var<T> t, Var<T> c) {
  const Index rows = x.rows, count = static_cast<Index>(quadrature.nodes.size()), polynomials = c.cols / (x.cols * count);
  const bool grad = x.wants_grad() || t.wants_grad() || c.wants_grad();
  const Var<T> y = tape.make(rows, x.cols, grad), slope = tape.make(rows, x.cols, grad);
  const T per = static_cast<T>(1 / bound), low = static_cast<T>(least);
  const Quadrature* q = &quadrature;
  T* scratch = tape.scratch(5 * rows);
  T *u = scratch, *p = scratch + rows, *dp = scratch + 2 * rows, *g = scratch + 3 * rows, *bend = scratch + 4 * rows;
  for (Index d = 0; d < x.cols; ++d) {
    const T *in = x.value + d * rows, *at = c.value + d * polynomials * count * rows;
    T *mean = y.value + d * rows, *q_x = slope.value + d * rows;
    std::fill_n(mean, rows, low);
    std::fill_n(q_x, rows, low);
    // The nodes, then x itself.
    for (Index m = 0; m <= count; ++m) {
      const auto place = static_cast<std::size_t>(m);
      const T node = m < count ? static_cast<T>(q->nodes[place]) : T(1), w = m < count ? static_cast<T>(q->weights[place]) : T(1);
      T* sum = m < count ? mean : q_x;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) u[i] = in[i] * per * node;
      for (Index k = 0; k < polynomials; ++k) {
        polynomial(at + k * count * rows, count, u, rows, p, dp);
        FLOWFIT_VECTORIZE
        for (Index i = 0; i < rows; ++i) sum[i] += w * p[i] * p[i];
      }
    }
    const T* offset = t.value + d * rows;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) mean[i] = offset[i] + in[i] * mean[i];
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index d = 0; d < x.cols; ++d) {
        const Index first = d * polynomials * count * rows;
        const T *in = x.value + d * rows, *gy = y.adjoint + d * rows, *gs = slope.adjoint + d * rows;
        std::fill_n(bend, rows, T(0));  // half of q'(u) at x
        for (Index m = 0; m <= count; ++m) {
          const auto place = static_cast<std::size_t>(m);
          const T node = m < count ? static_cast<T>(q->nodes[place]) : T(1),
                  w = m < count ? static_cast<T>(q->weights[place]) : T(0);
          const T last = m < count ? T(0) : T(1);
          FLOWFIT_VECTORIZE
          for (Index i = 0; i < rows; ++i) u[i] = in[i] * per * node;
          for (Index k = 0; k < polynomials; ++k) {
            polynomial(c.value + first + k * count * rows, count, u, rows, p, dp);
            FLOWFIT_VECTORIZE
            for (Index i = 0; i < rows; ++i) {
              bend[i] += last * p[i] * dp[i];
              g[i] = T(2) * p[i] * (w * in[i] * gy[i] + last * gs[i]);
            }
            if (!c.wants_grad()) continue;
            for (Index l = 0; l < count; ++l) {
              T* to = c.adjoint + first + (k * count + l) * rows;
              FLOWFIT_VECTORIZE
              for (Index i = 0; i < rows; ++i) {
                to[i] += g[i];
                g[i] *= u[i];
              }
            }
          }
        }
        for (Index i = 0; i < rows; ++i) {
          if (t.wants_grad()) t.adjoint[d * rows + i] += gy[i];
          if (x.wants_grad()) x.adjoint[d * rows + i] += gy[i] * slope.value[d * rows + i] + gs[i] * T(2) * per * bend[i];
        }
      }
    });
  }
  return {y, slope};
}

template Tangent<float> sum_of_squares<float>(Tape<float>&, const Quadrature&, double, double, Var<float>, Var<float>,
                                              Var<float>);
template Tangent<double> sum_of_squares<double>(Tape<double>&, const Quadrature&, double, double, Var<double>, Var<double>,
                                                Var<double>);

}  // namespace flowfit::autodiff
