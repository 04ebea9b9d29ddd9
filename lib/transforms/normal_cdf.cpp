// normal_cdf: y = Φ(x), the cumulative distribution function of the standard normal, by column. Data lives in (0, 1).
#include <cmath>
#include <numbers>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

const double log_root_two_pi = 0.5 * std::log(2 * std::numbers::pi);

// Φ⁻¹(p) for 0 < p ≤ 1/2: the rational approximation 26.2.23 of Abramowitz and Stegun, "Handbook of Mathematical Functions", good to 4.5e-4, and two
// steps of Halley's method, each of which cubes the error.
double lower_quantile(double p) {
  const double q = std::max(p, std::numeric_limits<double>::min()), t = std::sqrt(-2 * std::log(q));
  double z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (int step = 0; step < 2; ++step) {
    const double error = 0.5 * std::erfc(-z / std::numbers::sqrt2) - q, u = error * std::exp(0.5 * z * z + log_root_two_pi);
    z -= u / (1 + 0.5 * z * u);
  }
  return z;
}

struct NormalCdfFormula : Formula {
  using Formula::Formula;
  Support image() const { return {0, 1}; }

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    y = x.unaryExpr([](T v) { return T(0.5) * std::erfc(-v / std::numbers::sqrt2_v<T>); });
    log_slope = T(-0.5) * x.square() - static_cast<T>(log_root_two_pi);
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    x = y.unaryExpr([](T v) {
      const double p = static_cast<double>(v);
      return static_cast<T>(p > 0.5 ? -lower_quantile(1 - p) : lower_quantile(p));
    });
    log_slope = T(0.5) * x.square() + static_cast<T>(log_root_two_pi);
  }
  template <class A>
  void bend(const A& x, A b) const {
    b = -x;
  }
};

template <class T>
using NormalCdf = FixedMap<T, NormalCdfFormula>;

}  // namespace

TransformEntry normal_cdf_transform() {
  return transform_entry<NormalCdf>("normal_cdf", {{R"({"type": "normal_cdf"})", 2, 0}, {R"({"type": "normal_cdf"})", 1, 0}});
}

}  // namespace flowfit::transforms
