// lu_linear: a learned invertible linear map. Scoring: z = L·U·x + b, one product; sampling solves it.
//
// Kingma, Dhariwal, "Glow", NeurIPS 2018 (LU form); nflows' LULinear. L has a unit diagonal, U a diagonal softplus + 1e-3; the identity at the start.
// `permute` puts a random order of the columns before it on the way to the base. Parameters: `lower`, `upper` (D(D−1)/2 each, row by row),
// `diagonal` (D raw numbers), `bias` (D).
#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/triangular.h"
#include "transforms/order.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class LuLinear final : public Transform<T> {
 public:
  LuLinear(const config::Node& node, const Build& build) : Transform<T>(build) {
    const Index d = build.features, packed = d * (d - 1) / 2;
    lower_ = build.layout.vector(build.name + ".lower", {packed}, nn::zeros());
    upper_ = build.layout.vector(build.name + ".upper", {packed}, nn::zeros());
    diagonal_ = build.layout.vector(build.name + ".diagonal", {d}, nn::zeros());
    bias_ = build.layout.vector(build.name + ".bias", {d}, nn::zeros());
    if (node.boolean("permute", false)) {
      where_ = read_order(node, "random", build);
      order_ = inverse_order(where_);
    } else if (node.has("order")) {
      node.error_at("order", R"(only "permute": true has an order; set it, or remove "order")");
    }
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    Mapped<T> m = autodiff::lu_solve(pass.tape, factors(pass), x);
    if (!order_.empty()) m.value = autodiff::gather_columns(pass.tape, m.value, order_);
    return m;
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    if (!where_.empty()) y = autodiff::gather_columns(pass.tape, y, where_);
    return autodiff::lu_apply(pass.tape, factors(pass), y);
  }

 private:
  autodiff::LuFactors<T> factors(Pass<T>& pass) const {
    return {pass.parameter(lower_), pass.parameter(upper_), pass.parameter(diagonal_), pass.parameter(bias_)};
  }
  nn::Slot lower_, upper_, diagonal_, bias_;
  std::vector<int> order_, where_;  // empty: columns as they are
};

}  // namespace

TransformEntry lu_linear_transform() {
  return transform_entry<LuLinear>("lu_linear", {{R"({"type": "lu_linear"})", 3, 0},
                                                 {R"({"type": "lu_linear", "permute": true})", 4, 0},
                                                 {R"({"type": "lu_linear", "inverse": true})", 2, 0},
                                                 {R"({"type": "lu_linear"})", 1, 0}});
}

}  // namespace flowfit::transforms
