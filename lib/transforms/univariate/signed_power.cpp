// signed_power: y = sign(x)·((1 + |x|)^p − 1)/p on [−bound, bound], its lines outside: tails heavier (p > 1) or lighter, and the slope at 0 stays 1.
//
// Zuko's SignedPowerTransform is sign(x)·|x|^p, whose slope at 0 is 0 or infinite. p = 4^(r/(ln 4 + |r|)) is in (1/4, 4). Raw, for each feature: p; with "sides":
// "separate" p of the negative side, then of the positive one.
#include <cmath>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/constraints.h"
#include "autodiff/ops/heavy_tails.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class SignedPower final : public Univariate<T> {
 public:
  explicit SignedPower(const config::Node& node)
      : sides_(node.choice("sides", "same", {"same", "separate"}) == "same" ? 1 : 2),
        bound_(node.number("bound", 100.0, {.low = 1.0, .high = 1e4})) {}
  int parameters() const override { return sides_; }
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const override { return map(pass, x, raw, false); }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const override { return map(pass, y, raw, true); }

 private:
  Mapped<T> map(Pass<T>& pass, Var<T> in, Var<T> raw, bool inverse) const {
    const auto power = [&](Index side) {
      return autodiff::broadcast_rows(pass.tape, autodiff::positive(pass.tape, raw, {sides_, side, 1}, std::log(4.0)), in.rows);
    };
    const Var<T> low = power(0), high = sides_ == 1 ? low : power(1);
    return autodiff::signed_power_map(pass.tape, in, low, high, bound_, inverse);
  }
  int sides_;
  double bound_;
};

}  // namespace

UnivariateEntry signed_power_univariate() {
  return univariate_entry<SignedPower>(
      "signed_power", {R"({"type": "signed_power"})", R"({"type": "signed_power", "sides": "separate", "bound": 2})"});
}

}  // namespace flowfit::transforms
