// leaky_relu: y = x where x > 0, else slope·x, by column. The density jumps at 0.
#include <cmath>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct LeakyReluFormula : Formula {
  explicit LeakyReluFormula(const config::Node& node)
      : slope(node.number("slope", 0.01, {.low = 0.0, .high = 1e3, .open_low = true})) {}

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    scale(x, y, log_slope, slope);
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    scale(y, x, log_slope, 1 / slope);
  }
  template <class A>
  void bend(const A&, A b) const {
    b.setZero();
  }

 private:
  template <class A>
  static void scale(const A& x, A y, A log_slope, double s) {
    using T = typename A::Scalar;
    y = x.max(T(0)) + static_cast<T>(s) * x.min(T(0));
    log_slope = (x > T(0)).template cast<T>();
    log_slope = (T(1) - log_slope) * static_cast<T>(std::log(s));
  }
  double slope;
};

template <class T>
using LeakyRelu = FixedMap<T, LeakyReluFormula>;

}  // namespace

TransformEntry leaky_relu_transform() {
  return transform_entry<LeakyRelu>("leaky_relu",
                                    {{R"({"type": "leaky_relu", "slope": 0.3})", 2, 0}, {R"({"type": "leaky_relu"})", 1, 0}});
}

}  // namespace flowfit::transforms
