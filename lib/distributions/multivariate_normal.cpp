// multivariate_normal: a normal with a learned mean and covariance L·Lᵀ, which start at those of the data: the maximum-likelihood fit.
//
// Parameters: `loc` (D), `lower` (D(D−1)/2 entries of L strictly below the diagonal, row by row), `log_diagonal` (D).
#include <algorithm>
#include <cmath>

#include "autodiff/ops/missing.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"
#include "distributions/fit.h"

namespace flowfit::distributions {
namespace {

template <class T>
class MultivariateNormal final : public Distribution<T> {
 public:
  MultivariateNormal(const config::Node&, const Build& build)
      : features_(build.features),
        loc_(build.layout.vector(build.name + ".loc", {build.features}, nn::zeros())),
        lower_(build.layout.vector(build.name + ".lower", {features_ * (features_ - 1) / 2}, nn::zeros())),
        log_diagonal_(build.layout.vector(build.name + ".log_diagonal", {build.features}, nn::zeros())) {}
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override {
    const Var<T> y = pass.tape.make(z.rows, 1, true);
    autodiff::normal_log_prob(pass.tape, factor(pass), z, y);
    return y;
  }
  bool marginalizes() const override { return true; }
  Var<T> log_prob_present(Pass<T>& pass, Var<T> z, Var<T> there) const override {
    const Var<T> y = pass.tape.make(z.rows, 1, true);
    autodiff::normal_log_prob_present(pass.tape, factor(pass), z, there, y);
    return y;
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    const NormalDraw<T> draw(pass.tape, pass.parameter(loc_).value, pass.parameter(lower_).value,
                             pass.parameter(log_diagonal_).value, features_);
    return draws(pass, rows, features_, [&](std::uint64_t row, std::span<double> out) {
      key.normals(row, out);
      draw(out);
    });
  }

  bool needs_initialize() const override { return true; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey&) const override {
    const Moments m = moments(finite_rows(rows, n, features_), {});
    const Cholesky factor = cholesky(m.covariance);
    const auto set = [&](const nn::Slot& slot, const auto& values) {
      std::ranges::transform(values, parameters.begin() + slot.offset, [](double v) { return static_cast<T>(v); });
    };
    set(loc_, m.mean);
    set(lower_, factor.lower);
    set(log_diagonal_, factor.log_diagonal);
  }

 private:
  autodiff::NormalFactor<T> factor(Pass<T>& pass) const {
    return {pass.parameter(loc_), pass.parameter(lower_), pass.parameter(log_diagonal_)};
  }

  Index features_;
  nn::Slot loc_, lower_, log_diagonal_;
};

}  // namespace

DistributionEntry multivariate_normal_distribution() {
  return distribution_entry<MultivariateNormal>("multivariate_normal", {{R"({"type": "multivariate_normal"})"}});
}

}  // namespace flowfit::distributions
