// cauchy_cdf: y = 1/2 + atan(x)/π, the cumulative distribution function of the standard Cauchy, by column. Data lives in (0, 1).
#include <cmath>
#include <numbers>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct CauchyCdfFormula : Formula {
  using Formula::Formula;
  Support image() const { return {0, 1}; }

  // The angle of the point (−x, 1) is π·y: no digits are lost where y is small. log(1 + x²) = 2·log m + log(1 + (min(|x|, 1) / m)²) with
  // m = max(|x|, 1): no square overflows.
  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    y = x.abs().max(T(1));
    log_slope = T(-2) * y.log() - (x.abs().min(T(1)) / y).square().log1p() - std::log(std::numbers::pi_v<T>);
    y = x.unaryExpr([](T v) { return std::atan2(T(1), -v) * std::numbers::inv_pi_v<T>; });
  }
  // x = −cot(π·y), by the smaller of y and 1 − y.
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    constexpr T pi = std::numbers::pi_v<T>;
    log_slope = std::log(pi) - T(2) * (pi * y.min(T(1) - y)).sin().log();
    x = y.unaryExpr([](T v) { return v > T(0.5) ? 1 / std::tan(pi * (T(1) - v)) : -1 / std::tan(pi * v); });
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = T(-2) / (x + x.inverse());  // 1/0 gives 0
  }
};

template <class T>
using CauchyCdf = FixedMap<T, CauchyCdfFormula>;

}  // namespace

TransformEntry cauchy_cdf_transform() {
  return transform_entry<CauchyCdf>("cauchy_cdf", {{R"({"type": "cauchy_cdf"})", 2, 0}, {R"({"type": "cauchy_cdf"})", 1, 0}});
}

}  // namespace flowfit::transforms
