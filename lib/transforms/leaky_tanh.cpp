// leaky_tanh: tanh x on [−bound, bound] and straight lines beyond, with the slope that tanh has there: C¹, and onto the line.
#include <cmath>
#include <numbers>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct LeakyTanhFormula : Formula {
  explicit LeakyTanhFormula(const config::Node& node)
      : bound(node.number("bound", 3.0, {.low = 0.0, .high = 8.0, .open_low = true})),
        top(std::tanh(bound)),
        slope(1 / (std::cosh(bound) * std::cosh(bound))) {}

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    const T k = static_cast<T>(bound);
    // |x| up to the bound is for tanh, the rest for the line.
    y = x.abs().min(k);
    log_slope = T(2) * (std::numbers::ln2_v<T> - y - (T(-2) * y).exp().log1p());
    y = x.max(-k).min(k).tanh() + static_cast<T>(slope) * (x - x.max(-k).min(k));
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    const T k = static_cast<T>(bound), end = static_cast<T>(top), s = static_cast<T>(slope);
    x = y.max(-end).min(end);
    log_slope = (y.abs() < end).select(-(-x).log1p() - x.log1p(), -std::log(s));
    x = (y.abs() < end).select(T(0.5) * (x.log1p() - (-x).log1p()), y.sign() * (k + (y.abs() - end) / s));
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = (x.abs() < static_cast<T>(bound)).select(T(-2) * x.tanh(), T(0));
  }

  double bound, top, slope;  // tanh and its slope at the bound
};

template <class T>
using LeakyTanh = FixedMap<T, LeakyTanhFormula>;

}  // namespace

TransformEntry leaky_tanh_transform() {
  return transform_entry<LeakyTanh>("leaky_tanh",
                                    {{R"({"type": "leaky_tanh", "bound": 1})", 2, 0}, {R"({"type": "leaky_tanh"})", 1, 0}});
}

}  // namespace flowfit::transforms
