// sigmoid: y = 1 / (1 + e⁻ˣ), by column. Data lives in (0, 1).
#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct SigmoidFormula : Formula {
  using Formula::Formula;
  Support image() const { return {0, 1}; }

  // With e = exp(−|x|) nothing overflows, and the smaller of y and 1 − y keeps its digits in the log.
  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    y = (-x.abs()).exp();
    log_slope = -x.abs() - T(2) * y.log1p();
    y = (x < T(0)).select(y, T(1)) / (T(1) + y);
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    log_slope = (-y).log1p();
    x = y.log() - log_slope;
    log_slope = -x - T(2) * log_slope;
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = -(T(0.5) * x).tanh();
  }
};

template <class T>
using Sigmoid = FixedMap<T, SigmoidFormula>;

}  // namespace

TransformEntry sigmoid_transform() {
  return transform_entry<Sigmoid>("sigmoid", {{R"({"type": "sigmoid"})", 2, 0}, {R"({"type": "sigmoid"})", 1, 0}});
}

}  // namespace flowfit::transforms
