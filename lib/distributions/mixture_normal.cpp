// mixture_normal: a mixture of K normals, which starts from k-means++ and a few steps of EM on the data.
//
// p = Σ softmax(logits)_k·N(loc_k, L_k·L_kᵀ). Parameters: `logits` (K), `loc` (K x D), and the factors: `log_diagonal` (K x D) with `lower` (K x D(D−1)/2, each row
// as in multivariate_normal) where the covariance is full; `log_diagonal` alone where it is diagonal; (D) and (D(D−1)/2), one for all, where it is tied.
#include <algorithm>
#include <cmath>

#include "autodiff/ops/missing.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"
#include "distributions/fit.h"

namespace flowfit::distributions {
namespace {

/// Where no data says it: apart, since equal components would stay equal.
nn::Initializer spread() {
  return [](std::span<double> values, const core::RandomKey& key) { key.normals(0, values); };
}

template <class T>
class MixtureNormal final : public Distribution<T> {
 public:
  MixtureNormal(const config::Node& node, const Build& build)
      : features_(build.features), packed_(features_ * (features_ - 1) / 2), components_(node.integer("components", 8, 1, 4096)) {
    const std::string kind = node.choice("covariance", "full", {"full", "diagonal", "tied"});
    kind_ = kind == "full" ? Covariance::full : (kind == "diagonal" ? Covariance::diagonal : Covariance::tied);
    const Index k = components_;
    using Shape = std::vector<Index>;
    const bool tied = kind_ == Covariance::tied;
    logits_ = build.layout.vector(build.name + ".logits", {k}, nn::zeros());
    loc_ = build.layout.vector(build.name + ".loc", {k, features_}, spread());
    if (kind_ != Covariance::diagonal)
      lower_ = build.layout.vector(build.name + ".lower", tied ? Shape{packed_} : Shape{k, packed_}, nn::zeros());
    log_diagonal_ = build.layout.vector(build.name + ".log_diagonal", tied ? Shape{features_} : Shape{k, features_}, nn::zeros());
  }

  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override {
    const Var<T> terms = pass.tape.make(z.rows, components_, true);
    for (Index k = 0; k < components_; ++k) autodiff::normal_log_prob(pass.tape, factor(pass, k), z, terms.columns(k, 1));
    return autodiff::log_mixture(pass.tape, terms, pass.parameter(logits_));
  }
  bool marginalizes() const override { return true; }
  Var<T> log_prob_present(Pass<T>& pass, Var<T> z, Var<T> there) const override {
    const Var<T> terms = pass.tape.make(z.rows, components_, true);
    for (Index k = 0; k < components_; ++k)
      autodiff::normal_log_prob_present(pass.tape, factor(pass, k), z, there, terms.columns(k, 1));
    return autodiff::log_mixture(pass.tape, terms, pass.parameter(logits_));
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    // One uniform says which component, then D normals.
    double* until = pass.tape.template scratch<double>(components_);
    const T* logits = pass.parameter(logits_).value;
    const double most = static_cast<double>(*std::max_element(logits, logits + components_));
    double sum = 0;
    for (Index k = 0; k < components_; ++k) until[k] = sum += std::exp(static_cast<double>(logits[k]) - most);
    NormalDraw<T>* const from = pass.tape.template scratch<NormalDraw<T>>(components_);
    for (Index k = 0; k < components_; ++k) {
      const autodiff::NormalFactor<T> f = factor(pass, k);
      from[k] = NormalDraw<T>(pass.tape, f.loc.value, f.lower.value, f.log_diagonal.value, features_);
    }
    return draws(pass, rows, features_, [&](std::uint64_t row, std::span<double> out) {
      double u = 0;
      key.uniforms(row, {&u, 1});
      const Index k = std::min<Index>(std::upper_bound(until, until + components_, u * sum) - until, components_ - 1);
      key.normals(row, out, 2);
      from[k](out);
    });
  }

  bool needs_initialize() const override { return true; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey& key) const override {
    const std::vector<Component> mixture =
        fit_mixture(finite_rows(rows, n, features_), static_cast<int>(components_), kind_, key);
    const auto set = [&](const nn::Slot& slot, Index place, const auto& values) {
      std::ranges::transform(values, parameters.begin() + slot.offset + place, [](double v) { return static_cast<T>(v); });
    };
    for (std::size_t c = 0; c < mixture.size(); ++c) {
      const Index k = static_cast<Index>(c), own = own_factor(k);
      const Cholesky f = cholesky(mixture[c].normal.covariance);
      set(logits_, k, std::vector<double>{std::log(mixture[c].weight)});
      set(loc_, k * features_, mixture[c].normal.mean);
      if (kind_ != Covariance::diagonal) set(lower_, own * packed_, f.lower);
      set(log_diagonal_, own * features_, f.log_diagonal);
    }
  }

 private:
  Index own_factor(Index k) const { return kind_ == Covariance::tied ? 0 : k; }
  autodiff::NormalFactor<T> factor(Pass<T>& pass, Index k) const {
    const Index own = own_factor(k);
    return {pass.parameter(loc_).columns(k * features_, features_),
            kind_ == Covariance::diagonal ? Var<T>{} : pass.parameter(lower_).columns(own * packed_, packed_),
            pass.parameter(log_diagonal_).columns(own * features_, features_)};
  }

  Index features_, packed_, components_;
  Covariance kind_;
  nn::Slot logits_, loc_, lower_, log_diagonal_;
};

}  // namespace

DistributionEntry mixture_normal_distribution() {
  return distribution_entry<MixtureNormal>("mixture_normal",
                                           {{R"({"type": "mixture_normal", "components": 3})"},
                                            {R"({"type": "mixture_normal", "components": 4, "covariance": "diagonal"})"},
                                            {R"({"type": "mixture_normal", "components": 2, "covariance": "tied"})"}});
}

}  // namespace flowfit::distributions
