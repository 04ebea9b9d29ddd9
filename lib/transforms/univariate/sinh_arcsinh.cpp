// sinh_arcsinh: y = sinh(δ·asinh(x) + ε) on [−bound, bound], its lines outside: skewness, and tails heavier (δ > 1) or lighter.
//
// Jones, Pewsey, "Sinh-arcsinh distributions", Biometrika 2009. δ = 4^(r/(ln 4 + |r|)) is in (1/4, 4) and ε in (−3, 3). Raw, for each feature: ε, δ.
#include <cmath>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/constraints.h"
#include "autodiff/ops/heavy_tails.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class SinhArcsinh final : public Univariate<T> {
 public:
  explicit SinhArcsinh(const config::Node& node) : bound_(node.number("bound", 100.0, {.low = 1.0, .high = 1e4})) {}
  int parameters() const override { return 2; }
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const override { return map(pass, x, raw, false); }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const override { return map(pass, y, raw, true); }

 private:
  Mapped<T> map(Pass<T>& pass, Var<T> in, Var<T> raw, bool inverse) const {
    const Var<T> skew = autodiff::softclip(pass.tape, raw, {2, 0, 1}, 3),
                 weight = autodiff::positive(pass.tape, raw, {2, 1, 1}, std::log(4.0));
    return autodiff::sinh_arcsinh_map(pass.tape, in, autodiff::broadcast_rows(pass.tape, skew, in.rows),
                                      autodiff::broadcast_rows(pass.tape, weight, in.rows), bound_, inverse);
  }
  double bound_;
};

}  // namespace

UnivariateEntry sinh_arcsinh_univariate() {
  return univariate_entry<SinhArcsinh>("sinh_arcsinh",
                                       {R"({"type": "sinh_arcsinh"})", R"({"type": "sinh_arcsinh", "bound": 2})"});
}

}  // namespace flowfit::transforms
