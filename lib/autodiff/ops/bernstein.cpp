// A Bernstein polynomial on [−bound, bound] that goes on as the identity, fused. Its value and slope are sums of positive terms: nothing cancels.
#include "autodiff/ops/bernstein.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/columns.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

template <class T>
class Bernstein {
 public:
  Bernstein(int degree, double bound, Index rows) : n_(degree), rows_(rows), bound_(static_cast<T>(bound)) {}

  /// Numbers kept for the way back: t and 1 − t, f', then b_k,n−2 for k = 0 … n−2, B each.
  Index kept() const { return (n_ + 2) * rows_; }

  void forward(Tape<T>& tape, const T* x, const T* steps, T* y, T* log_det, T* kept) const {
    T *t = kept, *s = kept + rows_, *slope = kept + 2 * rows_;
    T *power = tape.scratch(3 * rows_), *theta = power + rows_, *sum = power + 2 * rows_;
    const T b = bound_, per = T(1) / (T(2) * bound_);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      t[i] = std::min(std::max((x[i] + b) * per, T(0)), T(1));
      s[i] = std::min(std::max((b - x[i]) * per, T(0)), T(1));
      power[i] = T(1);
    }
    // b_k,m = C(m, k) t^k s^(m−k): rising powers of t, then those of s from the other end.
    const Index m = n_ - 2;
    double binomial = 1;
    for (Index k = 0; k <= m; ++k) {
      T* basis = low_basis(kept, k);
      const T c = static_cast<T>(binomial);
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) {
        basis[i] = c * power[i];
        power[i] *= t[i];
      }
      binomial = binomial * static_cast<double>(m - k) / static_cast<double>(k + 1);
    }
    std::fill_n(power, rows_, T(1));
    for (Index k = m; k >= 0; --k) {
      T* basis = low_basis(kept, k);
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) {
        basis[i] *= power[i];
        power[i] *= s[i];
      }
    }
    // De Casteljau's last step: f = Σ b_k,n−1 (θ_k + t·step_k).
    std::fill_n(theta, rows_, -b);
    std::fill_n(sum, rows_, T(0));
    std::fill_n(slope, rows_, T(0));
    T* basis = power;
    for (Index k = 0; k < n_; ++k) {
      set_basis(kept, k, basis);
      const T* step = step_of(tape, steps, k);
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) {
        sum[i] += basis[i] * (theta[i] + t[i] * step[i]);
        slope[i] += basis[i] * step[i];
        theta[i] += step[i];
      }
    }
    const T factor = static_cast<T>(n_) * per;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const bool tail = !(std::abs(x[i]) < b);  // a NaN passes through
      slope[i] = tail ? T(1) : slope[i] * factor;
      y[i] = tail ? x[i] : sum[i];
      log_det[i] = slope[i];
    }
    Column<T> l(log_det, rows_);
    l = l.log();
  }

  /// g_y, g_log: adjoints of the value and of log f'; g_x, g_steps: what they are added to, or null.
  void backward(Tape<T>& tape, const T* x, const T* steps, const T* kept, const T* g_y, const T* g_log, T* g_x,
                T* g_steps) const {
    T* scratch = tape.scratch(6 * rows_);
    T *gy = scratch, *gs = scratch + rows_, *after = scratch + 2 * rows_, *bend = scratch + 3 * rows_,
      *basis = scratch + 4 * rows_;
    T* unused = scratch + 5 * rows_;
    const T *t = kept, *slope = kept + 2 * rows_;
    const T b = bound_, per = T(1) / (T(2) * bound_), factor = static_cast<T>(n_) * per;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const bool tail = !(std::abs(x[i]) < b);
      gy[i] = tail ? T(0) : g_y[i];
      gs[i] = tail ? T(0) : g_log[i] / slope[i] * factor;  // on f' / factor
    }
    if (g_steps) {
      std::fill_n(after, rows_, T(0));
      std::fill_n(unused, rows_, T(0));
      for (Index k = n_ - 1; k >= 0; --k) {
        set_basis(kept, k, basis);
        T* to = k >= 1 && k < n_ - 1 ? g_steps + (k - 1) * rows_ : unused;
        // step_k lifts θ_{k+1} and all after it: Σ_{j>k} b_j,n = Σ_{j>k} b_j,n−1 + t·b_k,n−1.
        FLOWFIT_VECTORIZE
        for (Index i = 0; i < rows_; ++i) {
          to[i] += gy[i] * (after[i] + t[i] * basis[i]) + gs[i] * basis[i];
          after[i] += basis[i];
        }
      }
    }
    if (!g_x) return;
    // f'' = n(n−1)/(2·bound)² Σ_k b_k,n−2 (step_{k+1} − step_k).
    std::fill_n(bend, rows_, T(0));
    for (Index k = 0; k < n_ - 1; ++k) {
      const T *low = kept + (3 + k) * rows_, *step = step_of(tape, steps, k), *next = step_of(tape, steps, k + 1);
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) bend[i] += low[i] * (next[i] - step[i]);
    }
    const T second = static_cast<T>(n_ - 1) * per;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const bool tail = !(std::abs(x[i]) < b);
      g_x[i] += tail ? g_y[i] : gy[i] * slope[i] + gs[i] * second * bend[i];
    }
  }

 private:
  T* low_basis(T* kept, Index k) const { return kept + (3 + k) * rows_; }

  // b_k,n−1 = s·b_k,n−2 + t·b_k−1,n−2.
  void set_basis(const T* kept, Index k, T* basis) const {
    const T *t = kept, *s = kept + rows_, *here = kept + (3 + k) * rows_, *before = here - rows_;
    if (k == 0) {
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) basis[i] = s[i] * here[i];
    } else if (k == n_ - 1) {
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) basis[i] = t[i] * before[i];
    } else {
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) basis[i] = s[i] * here[i] + t[i] * before[i];
    }
  }

  // Lane of step k; those at the two ends are constants.
  const T* step_of(Tape<T>& tape, const T* steps, Index k) const {
    if (k >= 1 && k < n_ - 1) return steps + (k - 1) * rows_;
    T* lane = tape.scratch(rows_);
    std::fill_n(lane, rows_, T(2) * bound_ / static_cast<T>(n_));
    return lane;
  }

  Index n_, rows_;
  T bound_;
};

}  // namespace

template <class T>
Mapped<T> bernstein_map(Tape<T>& tape, int degree, double bound, Var<T> x, Var<T> steps) {
  const Index rows = x.rows, group = (degree - 2) * rows;
  const Bernstein<T> map(degree, bound, rows);
  const bool grad = x.wants_grad() || steps.wants_grad();
  const Var<T> y = tape.make(rows, x.cols, grad), log_det = tape.make(rows, x.cols, grad);
  T* kept = tape.scratch(map.kept() * x.cols);
  for (Index d = 0; d < x.cols; ++d) {
    map.forward(tape, x.value + d * rows, steps.value + d * group, y.value + d * rows, log_det.value + d * rows,
                kept + d * map.kept());
  }
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      for (Index d = 0; d < x.cols; ++d) {
        map.backward(*t, x.value + d * rows, steps.value + d * group, kept + d * map.kept(), y.adjoint + d * rows,
                     log_det.adjoint + d * rows, x.wants_grad() ? x.adjoint + d * rows : nullptr,
                     steps.wants_grad() ? steps.adjoint + d * group : nullptr);
      }
    });
  }
  return {y, log_det};
}

template Mapped<float> bernstein_map<float>(Tape<float>&, int, double, Var<float>, Var<float>);
template Mapped<double> bernstein_map<double>(Tape<double>&, int, double, Var<double>, Var<double>);

}  // namespace flowfit::autodiff
