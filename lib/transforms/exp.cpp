// exp: y = eˣ, by column. Data must be positive: a score elsewhere is −inf.
#include "transforms/fixed_map.h"

namespace flowfit::transforms {
namespace {

struct ExpFormula : Formula {
  using Formula::Formula;
  Support image() const { return {0, std::numeric_limits<double>::infinity()}; }

  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    y = x.exp();
    log_slope = x;
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    x = y.log();
    log_slope = -x;
  }
  template <class A>
  void bend(const A&, A b) const {
    b.setOnes();
  }
};

template <class T>
using Exp = FixedMap<T, ExpFormula>;

}  // namespace

TransformEntry exp_transform() {
  return transform_entry<Exp>("exp", {{R"({"type": "exp"})", 2, 0}, {R"({"type": "exp", "inverse": true})", 1, 0}});
}

}  // namespace flowfit::transforms
