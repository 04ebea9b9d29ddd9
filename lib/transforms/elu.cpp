// elu: y = x where x > 0, else alpha·(eˣ − 1), by column. Data must be above −alpha.
//
// Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units", ICLR 2016. C¹ with alpha = 1; with
// another the density jumps at 0.
#include <cmath>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct EluFormula : Formula {
  explicit EluFormula(const config::Node& node) : alpha(node.number("alpha", 1.0, {.low = 0.0, .high = 1e6, .open_low = true})) {}
  Support image() const { return {-alpha, std::numeric_limits<double>::infinity()}; }

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    const T a = static_cast<T>(alpha);
    y = (x > T(0)).select(x, a * x.min(T(0)).expm1());
    log_slope = (x > T(0)).select(T(0), std::log(a) + x);
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    const T a = static_cast<T>(alpha);
    // log(1 + y/a) for the negative ones; near −a the sum is exact, and near 0 the quotient.
    x = y.min(T(0));
    x = (x < T(-0.5) * a).select(((x + a) / a).log(), (x / a).log1p());
    log_slope = (y > T(0)).select(T(0), -std::log(a) - x);
    x = (y > T(0)).select(y, x);
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = (x > T(0)).template cast<T>();
    b = T(1) - b;
  }

  double alpha;
};

template <class T>
using Elu = FixedMap<T, EluFormula>;

}  // namespace

TransformEntry elu_transform() {
  return transform_entry<Elu>("elu", {{R"({"type": "elu"})", 2, 0}, {R"({"type": "elu", "alpha": 0.6})", 1, 0}});
}

}  // namespace flowfit::transforms
