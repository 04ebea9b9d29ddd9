// spline: a monotone spline on [−bound, bound], a straight line outside.
//
// rational_quadratic: Durkan, Bekasov, Murray, Papamakarios, "Neural Spline Flows", NeurIPS 2019. rational_linear: Dolatabadi, Erfani, Leckie, "Invertible
// Generative Modeling using Linear Rational Splines", AISTATS 2020. Raw, for each feature: K widths, K heights, K−1 inner slopes, and for rational_linear
// K places of the inner knots (autodiff/ops/spline.h has the constraints). The slope at ±bound is exactly 1: the density has no jump there.
// linear, quadratic, cubic: autodiff/ops/polynomial_spline.h.
#include "autodiff/ops/spline.h"

#include <algorithm>

#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Spline final : public Univariate<T> {
 public:
  explicit Spline(const config::Node& node) {
    const std::vector<std::string> kinds{"rational_quadratic", "rational_linear", "linear", "quadratic", "cubic"};
    shape_.kind = static_cast<autodiff::SplineKind>(
        std::distance(kinds.begin(), std::ranges::find(kinds, node.choice("kind", kinds.front(), kinds))));
    shape_.bins = node.integer("bins", 8, 2, 256);
    shape_.bound = node.number("bound", 5.0, {.low = 0.0, .high = 1e6, .open_low = true});
    // Below 1/K the smallest share leaves room for the softmax.
    const config::Range share{.low = 0.0, .high = 0.9 / shape_.bins, .open_low = true};
    shape_.min_width = node.number("min_width", 1e-3, share);
    shape_.min_height = node.number("min_height", 1e-3, share);
    shape_.min_slope = node.number("min_slope", 1e-3, {.low = 0.0, .high = 0.9, .open_low = true});
    shape_.periodic = node.boolean("periodic", false);
    if (shape_.periodic && !shape_.rational())
      node.error_at("periodic", "only rational_quadratic and rational_linear have tied ends; choose one of them as kind");
  }
  int parameters() const override { return shape_.parameters(); }
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const override {
    return autodiff::spline_map(pass.tape, shape_, x, raw, false);
  }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const override {
    return autodiff::spline_map(pass.tape, shape_, y, raw, true);
  }

 private:
  autodiff::SplineShape shape_;
};

}  // namespace

UnivariateEntry spline_univariate() {
  return univariate_entry<Spline>(
      "spline", {R"({"type": "spline"})", R"({"type": "spline", "kind": "rational_linear", "bins": 16, "bound": 3})",
                 R"({"type": "spline", "bins": 2, "bound": 1.5, "min_slope": 0.01})",
                 R"({"type": "spline", "kind": "linear", "bins": 6, "bound": 4})",
                 R"({"type": "spline", "kind": "quadratic", "bins": 5, "bound": 3})",
                 R"({"type": "spline", "kind": "cubic", "bins": 5, "bound": 3})",
                 R"({"type": "spline", "bins": 4, "bound": 3.141592653589793, "periodic": true})"});
}

}  // namespace flowfit::transforms
