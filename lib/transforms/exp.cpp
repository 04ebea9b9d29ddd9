// exp: y = eˣ, by column. Data must be positive: a score elsewhere is −inf.
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Exp final : public Transform<T> {
 public:
  Exp(const config::Node&, const Build& build) : Transform<T>(build) {}
  Support image(const Support& in) const override { return {std::exp(in.low), std::exp(in.high)}; }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override { return summed(pass, autodiff::exp_map(pass.tape, x)); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override { return summed(pass, autodiff::log_map(pass.tape, y)); }

 private:
  static Mapped<T> summed(Pass<T>& pass, Mapped<T> m) { return {m.value, autodiff::row_sum(pass.tape, m.log_det)}; }
};

}  // namespace

TransformEntry exp_transform() {
  return transform_entry<Exp>("exp", {{R"({"type": "exp"})", 2, 0}, {R"({"type": "exp", "inverse": true})", 1, 0}});
}

}  // namespace flowfit::transforms
