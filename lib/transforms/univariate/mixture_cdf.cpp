// mixture_cdf: the CDF of a mixture of K components, then the inverse CDF of one: y = G⁻¹(Σ_k w_k G(a_k·(x − μ_k))).
//
// logistic: Ho, Chen, Srinivas, Duan, Abbeel, "Flow++", ICML 2019. normal: Meng, Song, Song, Ermon, "Gaussianization Flows", AISTATS 2020. On
// [−bound, bound], with its lines outside; a share min_slope of the straight line is mixed in, since between two far components the slope is as good as 0.
// Raw, for each feature: K weights, K places μ, K steepnesses a.
#include "autodiff/ops/columns.h"
#include "autodiff/ops/mixture.h"
#include "transforms/univariate/mixture_start.h"
#include "transforms/univariate/one_way.h"

namespace flowfit::transforms {
namespace {

template <class T>
class MixtureCdf final : public OneWay<T, MixtureCdf<T>> {
 public:
  explicit MixtureCdf(const config::Node& node) : OneWay<T, MixtureCdf<T>>(node) {
    kind_ = node.choice("kind", "normal", {"normal", "logistic"}) == "normal" ? autodiff::MixtureKind::normal
                                                                              : autodiff::MixtureKind::logistic;
    components_ = node.integer("components", 8, 2, 256);
    bound_ = node.number("bound", 10.0, {.low = 0.0, .high = 1e6, .open_low = true});
    min_slope_ = node.number("min_slope", 1e-3, {.low = 0.0, .high = 0.9, .open_low = true});
  }
  int parameters() const override { return 3 * components_; }
  std::vector<double> initial() const override {
    const MixtureStart start(kind_, components_, bound_);
    std::vector<double> raw(static_cast<std::size_t>(components_), 0.0);
    raw.insert(raw.end(), start.places.begin(), start.places.end());
    raw.insert(raw.end(), start.steepnesses.begin(), start.steepnesses.end());
    return raw;
  }
  std::vector<Exchangeable> exchangeable() const override {
    Exchangeable components;
    for (int k = 0; k < components_; ++k) components.push_back({k, components_ + k, 2 * components_ + k});
    return {components};
  }

  struct Prepared {
    Var<T> weights, places, steepness;
  };
  Prepared prepare(autodiff::Tape<T>& tape, Var<T> raw, Index rows) const {
    const Index k = components_, p = 3 * k;
    const auto spread = [&](Var<T> one) { return autodiff::broadcast_rows(tape, one, rows); };
    return {spread(autodiff::simplex(tape, raw, {p, 0, k}, k, mixture_least_weight / components_, 1.0)),
            spread(autodiff::softclip(tape, raw, {p, k, k}, 2 * bound_)),
            spread(autodiff::positive(tape, raw, {p, 2 * k, k}, mixture_steepest))};
  }
  Mapped<T> map(autodiff::Tape<T>& tape, Var<T> x, const Prepared& p) const {
    const Var<T> at = autodiff::clamp(tape, x, bound_);
    const autodiff::Tangent<T> z = autodiff::mixture_units(tape, at, p.steepness, p.places);
    return autodiff::linear_tails(tape, x, autodiff::mixture_quantile(tape, kind_, z, p.weights, x.cols), bound_, min_slope_);
  }

 private:
  autodiff::MixtureKind kind_;
  int components_;
  double bound_, min_slope_;
};

}  // namespace

UnivariateEntry mixture_cdf_univariate() {
  return univariate_entry<MixtureCdf>(
      "mixture_cdf", {R"({"type": "mixture_cdf"})",
                      R"({"type": "mixture_cdf", "kind": "logistic", "components": 3, "bound": 4, "direction": "sampling"})"});
}

}  // namespace flowfit::transforms
