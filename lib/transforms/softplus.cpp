// softplus: y = log(1 + eˣ), by column. Data must be positive; unlike exp it grows no faster than its input.
#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct SoftplusFormula : Formula {
  using Formula::Formula;
  Support image() const { return {0, std::numeric_limits<double>::infinity()}; }

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    y = (-x.abs()).exp().log1p();
    log_slope = x.min(T(0)) - y;
    y += x.max(T(0));
  }
  // x = y + log(1 − e⁻ʸ), and dx/dy = 1 / (1 − e⁻ʸ).
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    log_slope = -(-(-y).expm1()).log();
    x = y - log_slope;
  }
  // 1 − sigmoid(x).
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = T(0.5) * (T(1) - (T(0.5) * x).tanh());
  }
};

template <class T>
using Softplus = FixedMap<T, SoftplusFormula>;

}  // namespace

TransformEntry softplus_transform() {
  return transform_entry<Softplus>("softplus", {{R"({"type": "softplus"})", 2, 0}, {R"({"type": "softplus"})", 1, 0}});
}

}  // namespace flowfit::transforms
