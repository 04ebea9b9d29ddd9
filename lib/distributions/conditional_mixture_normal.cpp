// conditional_mixture_normal: a mixture of K independent normals whose weights, means and scales are a network's of the context.
//
// A mixture density network (Bishop, "Mixture Density Networks", 1994). p = Σ softmax(logits)_k·Π_d N(t_kd, s_kd²), s in (1e-3, 1e3) (softclip), as the `affine`
// univariate. Parameters: `net.…`, whose outputs are the K logits, then t, u for each column of each component. The components start apart, and equally likely.
#include <algorithm>
#include <cmath>

#include "autodiff/ops/affine.h"
#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/gaussian.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"
#include "nn/network.h"

namespace flowfit::distributions {
namespace {

/// Equal components would stay equal: their means are spread over [−1, 1], in another order in each column.
std::vector<double> apart(int components, int features) {
  std::vector<double> start(static_cast<std::size_t>(components), 0.0);
  for (int k = 0; k < components; ++k) {
    for (int d = 0; d < features; ++d) {
      const int place = (k + d * (k % 2 == 0 ? 1 : components - 1)) % components;
      start.insert(start.end(), {components == 1 ? 0.0 : 2.0 * place / (components - 1) - 1, 0.0});
    }
  }
  return start;
}

template <class T>
class ConditionalMixtureNormal final : public Distribution<T> {
 public:
  ConditionalMixtureNormal(const config::Node& node, const Build& build)
      : features_(build.features),
        components_(node.integer("components", 8, 1, 4096)),
        network_(build.layout, build.name + ".net", nn::NetworkSpec::read(node.member("net")), std::max(build.context, 1), 0, 0,
                 apart(static_cast<int>(components_), build.features)) {
    if (build.context == 0)
      node.error_at("type", R"(there is no context here; name the columns in data.context, or take "mixture_normal")");
  }

  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T> context) const override {
    const Var<T> raw = network_.run(pass, context, {}), terms = pass.tape.make(z.rows, components_, true);
    for (Index k = 0; k < components_; ++k) {
      const nn::Mapped<T> m = autodiff::affine_map(pass.tape, z, of(raw, k), autodiff::Scale::softclip, true);
      const Var<T> term = autodiff::add(pass.tape, autodiff::standard_normal_log_prob(pass.tape, m.value),
                                        autodiff::row_sum(pass.tape, m.log_det));
      autodiff::copy(pass.tape, term, terms.columns(k, 1));
    }
    return autodiff::log_mixture(pass.tape, terms, raw.columns(0, components_));
  }

  Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, const core::RandomKey& key) const override {
    // One uniform says which component, then D normals.
    const Var<T> raw = network_.run(pass, context, {}), chosen = pass.tape.make(rows, 2 * features_, false);
    for (Index i = 0; i < rows; ++i) {
      double u = 0;
      key.uniforms(pass.rows[i], {&u, 1});
      const Index k = component(raw, i, u);
      for (Index j = 0; j < 2 * features_; ++j) chosen.value[j * rows + i] = of(raw, k).value[j * rows + i];
    }
    const Var<T> z = draws(pass, rows, features_, [&](std::uint64_t row, std::span<double> out) { key.normals(row, out, 2); });
    return autodiff::affine_map(pass.tape, z, chosen, autodiff::Scale::softclip, false).value;
  }

 private:
  /// t, u of each column of component k: B x 2D.
  Var<T> of(Var<T> raw, Index k) const { return raw.columns(components_ + k * 2 * features_, 2 * features_); }
  /// The component of row i in which u ∈ (0, 1) lies.
  Index component(Var<T> raw, Index i, double u) const {
    const auto logit = [&](Index k) { return static_cast<double>(raw.value[k * raw.rows + i]); };
    double most = logit(0), sum = 0;
    for (Index k = 1; k < components_; ++k) most = std::max(most, logit(k));
    for (Index k = 0; k < components_; ++k) sum += std::exp(logit(k) - most);
    double until = 0;
    for (Index k = 0; k < components_ - 1; ++k) {
      until += std::exp(logit(k) - most);
      if (u * sum < until) return k;
    }
    return components_ - 1;
  }

  Index features_, components_;
  nn::Network<T> network_;
};

}  // namespace

DistributionEntry conditional_mixture_normal_distribution() {
  return distribution_entry<ConditionalMixtureNormal>(
      "conditional_mixture_normal",
      {{R"({"type": "conditional_mixture_normal", "components": 3, "net": {"hidden": [6], "activation": "tanh"}})", 2},
       {R"({"type": "conditional_mixture_normal", "components": 2, "net": {"type": "residual", "hidden": [4], "activation": "elu"}})",
        1}});
}

}  // namespace flowfit::distributions
