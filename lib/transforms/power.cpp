// power: y = x^exponent on the positive numbers, by column. A negative exponent turns the order around.
#include <cmath>

#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct PowerFormula : Formula {
  explicit PowerFormula(const config::Node& node) : exponent(node.number("exponent", 2.0, {.low = -100.0, .high = 100.0})) {
    if (std::abs(exponent) < 0.01) node.error_at("exponent", "must be at least 0.01, or at most -0.01");
  }
  Support domain() const { return {0, std::numeric_limits<double>::infinity()}; }
  Support image() const { return domain(); }
  bool increases() const { return exponent > 0; }

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    raise(x, y, log_slope, exponent);
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    raise(y, x, log_slope, 1 / exponent);
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = static_cast<T>(exponent - 1) / x;
  }

 private:
  template <class A>
  static void raise(const A& x, A y, A log_slope, double p) {
    using T = typename A::Scalar;
    y = x.pow(static_cast<T>(p));
    log_slope = static_cast<T>(std::log(std::abs(p))) + static_cast<T>(p - 1) * x.log();
  }
  double exponent;
};

template <class T>
using Power = FixedMap<T, PowerFormula>;

}  // namespace

TransformEntry power_transform() {
  return transform_entry<Power>("power", {{R"({"type": "power"})", 2, 0}, {R"({"type": "power", "exponent": -0.5})", 1, 0}});
}

}  // namespace flowfit::transforms
