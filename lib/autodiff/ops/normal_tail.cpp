// Tails of the standard normal distribution: Mills' ratio, and the quantile of a small probability from its logarithm. Lanes of numbers.
#include "autodiff/ops/normal_tail.h"

#include <cmath>
#include <numbers>

#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

// (1 + t)·Φ(−t)/φ(t) is smooth on [0, ∞] in s = (t − 4)/(t + 4): its Chebyshev coefficients, computed in 40 digits from their definition.
constexpr double chebyshev[] = {
    1.1670525350882472,       -0.16101957671346539,     -0.0280028218254529758,   0.031674521892392658,
    -0.0121032311623453693,   0.00270561297621670921,   -0.000299316362027031709, -0.0000171668652687934705,
    0.0000101784892641101141, -4.89482957000148683e-7,  -2.84400650014879773e-7,  3.07662837139459027e-8,
    9.18037867449709338e-9,   -1.27561022144891217e-9,  -3.66027937742062145e-10, 4.59263591958595067e-11,
    1.71893145556840505e-11,  -1.27268344958492942e-12, -8.66808203979014892e-13, 1.10620655728829252e-15,
    4.27503058571329423e-14,  3.79104836512438228e-15,  -1.84731419445547981e-15, -4.0413339465427153e-16};

// What is below the rounding of T is left out.
template <class T>
constexpr int terms = sizeof(T) == 4 ? 13 : 24;

}  // namespace

template <class T>
void mills_ratio(const T* t, Index n, T* m, T* scratch) {
  T *twice = scratch, *earlier = scratch + n, *last = scratch + 2 * n;
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < n; ++i) {
    twice[i] = T(2) - T(16) / (t[i] + T(4));  // 2s
    earlier[i] = T(0);
    last[i] = static_cast<T>(chebyshev[terms<T> - 1]);
  }
  // Clenshaw's recurrence, two steps at a time: the two lanes swap roles.
  const auto step = [n, twice](T* into, const T* other, T coefficient) {
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < n; ++i) into[i] = twice[i] * other[i] - into[i] + coefficient;
  };
  for (int k = terms<T> - 2; k >= 1; --k) {
    step(earlier, last, static_cast<T>(chebyshev[k]));
    std::swap(earlier, last);
  }
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < n; ++i) m[i] = (twice[i] * T(0.5) * last[i] - earlier[i] + static_cast<T>(chebyshev[0])) / (T(1) + t[i]);
}

template <class T>
void upper_quantile(const T* log_p, Index n, T* q, T* mills, T* scratch) {
  T *log_mills = scratch, *rest = scratch + n;
  const T half_log_two_pi = static_cast<T>(0.5 * std::log(2 * std::numbers::pi));
  // Hastings' approximation (Abramowitz, Stegun, "Handbook of Mathematical Functions", 26.2.23), within 4.5e-4; each of Newton's steps on log Φ(−q)
  // squares that.
  FLOWFIT_VECTORIZE
  for (Index i = 0; i < n; ++i) {
    const T r = std::sqrt(T(-2) * log_p[i]);
    q[i] = r -
           (T(2.515517) + r * (T(0.802853) + r * T(0.010328))) / (T(1) + r * (T(1.432788) + r * (T(0.189269) + r * T(0.001308))));
  }
  for (int round = 0; round < 2; ++round) {
    mills_ratio(q, n, mills, rest);
    Column<T>(log_mills, n) = ConstColumn<T>(mills, n).log();
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < n; ++i) {
      const T error = log_mills[i] - half_log_two_pi - T(0.5) * q[i] * q[i] - log_p[i];
      q[i] += error * mills[i];
    }
  }
  mills_ratio(q, n, mills, rest);
}

template void mills_ratio<float>(const float*, Index, float*, float*);
template void mills_ratio<double>(const double*, Index, double*, double*);
template void upper_quantile<float>(const float*, Index, float*, float*, float*);
template void upper_quantile<double>(const double*, Index, double*, double*, double*);

}  // namespace flowfit::autodiff
