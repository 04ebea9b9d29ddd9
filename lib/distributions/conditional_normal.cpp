// conditional_normal: independent normals whose means and scales are a network's of the context.
//
// z = s·ε + t with ε standard normal, s in (1e-3, 1e3) (softclip), as the `affine` univariate. Parameters: `net.…`, for each column t, u; the standard normal
// at the start.
#include "autodiff/ops/affine.h"
#include "autodiff/ops/elementwise.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"
#include "nn/conditioner.h"

namespace flowfit::distributions {
namespace {

template <class T>
class ConditionalNormal final : public Distribution<T> {
 public:
  ConditionalNormal(const config::Node& node, const Build& build)
      : features_(build.features),
        conditioner_(node, build.layout, build.name, std::max(build.context, 1), 0, build.features, {0.0, 0.0}) {
    if (build.context == 0)
      node.error_at("type", R"(there is no context here; name the columns in data.context, or take "diagonal_normal")");
  }
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T> context) const override {
    const nn::Mapped<T> m = map(pass, z, context, true);
    return autodiff::add(pass.tape, autodiff::standard_normal_log_prob(pass.tape, m.value),
                         autodiff::row_sum(pass.tape, m.log_det));
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, const core::RandomKey& key) const override {
    return map(pass, standard_normals(pass, rows, features_, key), context, false).value;
  }

 private:
  nn::Mapped<T> map(Pass<T>& pass, Var<T> z, Var<T> context, bool inverse) const {
    return autodiff::affine_map(pass.tape, z, conditioner_.raw(pass, context, {}), autodiff::Scale::softclip, inverse);
  }
  Index features_;
  nn::Conditioner<T> conditioner_;
};

}  // namespace

DistributionEntry conditional_normal_distribution() {
  return distribution_entry<ConditionalNormal>(
      "conditional_normal",
      {{R"({"type": "conditional_normal", "net": {"hidden": [6], "activation": "tanh"}})", 2},
       {R"({"type": "conditional_normal", "net": {"hidden": [5, 4], "activation": "silu", "layer_norm": true}})", 2},
       {R"({"type": "conditional_normal", "net": {"type": "residual", "hidden": [4], "activation": "elu", "layer_norm": true}})",
        1}});
}

}  // namespace flowfit::distributions
