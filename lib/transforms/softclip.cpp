// softclip: y = x / (1 + |x| / bound), by column. Data lives in (−bound, bound); close to the identity near 0, with tails that go to the bound slowly.
#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct SoftclipFormula : Formula {
  explicit SoftclipFormula(const config::Node& node) : bound(node.number("bound", 5.0, {.low = 1e-6, .high = 1e6})) {}
  Support image() const { return {-bound, bound}; }

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    using T = typename A::Scalar;
    const T b = static_cast<T>(bound);
    y = b / (b + x.abs());
    log_slope = T(2) * y.log();
    y *= x;
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    using T = typename A::Scalar;
    const T b = static_cast<T>(bound);
    x = b / (b - y.abs());
    log_slope = T(2) * x.log();
    x *= y;
  }
  template <class A>
  void bend(const A& x, A b) const {
    using T = typename A::Scalar;
    b = T(-2) * x.sign() / (static_cast<T>(bound) + x.abs());
  }

  double bound;
};

template <class T>
using Softclip = FixedMap<T, SoftclipFormula>;

}  // namespace

TransformEntry softclip_transform() {
  return transform_entry<Softclip>("softclip",
                                   {{R"({"type": "softclip"})", 2, 0}, {R"({"type": "softclip", "bound": 0.1})", 1, 0}});
}

}  // namespace flowfit::transforms
