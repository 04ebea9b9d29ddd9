// lu_linear: a learned invertible linear map. Scoring: z = L·U·x + b, one product; sampling solves it.
//
// Kingma, Dhariwal, "Glow", NeurIPS 2018 (LU form); nflows' LULinear. L has a unit diagonal, U a diagonal softplus + 1e-3; the identity at the start.
// `permute` puts a random order of the columns before it on the way to the base. Parameters: `lower`, `upper` (D(D−1)/2 each, row by row),
// `diagonal` (D raw numbers), `bias` (D). With "context": true all of them come from a network of the context, one after the other: `net.…`.
#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/triangular.h"
#include "nn/conditioner.h"
#include "transforms/order.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class LuLinear final : public Transform<T> {
 public:
  LuLinear(const config::Node& node, const Build& build) : Transform<T>(build) {
    const Index d = build.features, packed = d * (d - 1) / 2;
    if (reads_context(node, build)) {
      conditioner_ = std::make_unique<nn::Conditioner<T>>(node, build.layout, build.name, build.context, 0, 1,
                                                          std::vector<double>(static_cast<std::size_t>(d * (d + 1)), 0.0));
    } else {
      lower_ = build.layout.vector(build.name + ".lower", {packed}, nn::zeros());
      upper_ = build.layout.vector(build.name + ".upper", {packed}, nn::zeros());
      diagonal_ = build.layout.vector(build.name + ".diagonal", {d}, nn::zeros());
      bias_ = build.layout.vector(build.name + ".bias", {d}, nn::zeros());
    }
    if (node.boolean("permute", false)) {
      where_ = read_order(node, "random", build);
      order_ = inverse_order(where_);
    } else if (node.has("order")) {
      node.error_at("order", R"(only "permute": true has an order; set it, or remove "order")");
    }
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    Mapped<T> m = conditioner_ ? autodiff::lu_solve_rows(pass.tape, conditioner_->raw(pass, context, {}), x)
                               : autodiff::lu_solve(pass.tape, factors(pass), x);
    if (!order_.empty()) m.value = autodiff::gather_columns(pass.tape, m.value, order_);
    return m;
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    if (!where_.empty()) y = autodiff::gather_columns(pass.tape, y, where_);
    if (conditioner_) return autodiff::lu_apply_rows(pass.tape, conditioner_->raw(pass, context, {}), y);
    return autodiff::lu_apply(pass.tape, factors(pass), y);
  }

 private:
  autodiff::LuFactors<T> factors(Pass<T>& pass) const {
    return {pass.parameter(lower_), pass.parameter(upper_), pass.parameter(diagonal_), pass.parameter(bias_)};
  }
  std::unique_ptr<nn::Conditioner<T>> conditioner_;  // null: one map for all rows
  nn::Slot lower_, upper_, diagonal_, bias_;
  std::vector<int> order_, where_;  // empty: columns as they are
};

}  // namespace

TransformEntry lu_linear_transform() {
  return transform_entry<LuLinear>(
      "lu_linear", {{R"({"type": "lu_linear"})", 3, 0},
                    {R"({"type": "lu_linear", "permute": true, "order": [1, 3, 0, 2]})", 4, 0},
                    {R"({"type": "lu_linear", "inverse": true})", 2, 0},
                    {R"({"type": "lu_linear"})", 1, 0},
                    {R"({"type": "lu_linear", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
