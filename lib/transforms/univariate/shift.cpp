// shift: y = x + t.
//
// Dinh, Krueger, Bengio, "NICE: Non-linear Independent Components Estimation", 2014. Raw, for each feature: t.
#include "autodiff/ops/affine.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Shift final : public Univariate<T> {
 public:
  explicit Shift(const config::Node&) {}
  int parameters() const override { return 1; }
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const override { return autodiff::shift_map(pass.tape, x, raw, false); }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const override { return autodiff::shift_map(pass.tape, y, raw, true); }
};

}  // namespace

UnivariateEntry shift_univariate() { return univariate_entry<Shift>("shift", {R"({"type": "shift"})"}); }

}  // namespace flowfit::transforms
