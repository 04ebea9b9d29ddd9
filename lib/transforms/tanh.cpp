// tanh: y = tanh x, by column. Data lives in (−1, 1).
#include <numbers>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct TanhFormula : Formula {
  using Formula::Formula;
  Support image() const { return {-1, 1}; }

  // log(1 − tanh² x) = 2·(log 2 − |x| − log(1 + e^(−2|x|))): no digits are lost where tanh is 1 but for rounding.
  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    log_slope = T(2) * (std::numbers::ln2_v<T> - x.abs() - (T(-2) * x.abs()).exp().log1p());
    y = x.tanh();
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    log_slope = -(-y).log1p();
    x = T(0.5) * (y.log1p() + log_slope);
    log_slope -= y.log1p();
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = T(-2) * x.tanh();
  }
};

template <class T>
using Tanh = FixedMap<T, TanhFormula>;

}  // namespace

TransformEntry tanh_transform() {
  return transform_entry<Tanh>("tanh", {{R"({"type": "tanh"})", 2, 0}, {R"({"type": "tanh"})", 1, 0}});
}

}  // namespace flowfit::transforms
