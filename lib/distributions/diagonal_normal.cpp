// diagonal_normal: independent normals with learned means and scales, which start at those of the data. Parameters: `loc` (D), `log_scale` (D).
#include "autodiff/ops/elementwise.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"
#include "distributions/fit.h"

namespace flowfit::distributions {
namespace {

template <class T>
class DiagonalNormal final : public Distribution<T> {
 public:
  DiagonalNormal(const config::Node&, const Build& build)
      : features_(build.features),
        loc_(build.layout.vector(build.name + ".loc", {build.features}, nn::zeros())),
        log_scale_(build.layout.vector(build.name + ".log_scale", {build.features}, nn::zeros())) {}
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override {
    const nn::Mapped<T> standard = autodiff::scale_shift(pass.tape, z, pass.parameter(log_scale_), pass.parameter(loc_), true);
    return autodiff::add(pass.tape, autodiff::standard_normal_log_prob(pass.tape, standard.value), standard.log_det);
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    return autodiff::scale_shift(pass.tape, standard_normals(pass, rows, features_, key), pass.parameter(log_scale_),
                                 pass.parameter(loc_), false)
        .value;
  }

  bool needs_initialize() const override { return true; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey&) const override {
    for (Index d = 0; d < features_; ++d) {
      const auto column = rows.subspan(static_cast<std::size_t>(d * n), static_cast<std::size_t>(n));
      const Moments m = moments(finite_rows(column, n, 1), {});
      parameters[static_cast<std::size_t>(loc_.offset + d)] = static_cast<T>(m.mean(0));
      parameters[static_cast<std::size_t>(log_scale_.offset + d)] = static_cast<T>(cholesky(m.covariance).log_diagonal.front());
    }
  }

 private:
  Index features_;
  nn::Slot loc_, log_scale_;
};

}  // namespace

DistributionEntry diagonal_normal_distribution() {
  return distribution_entry<DiagonalNormal>("diagonal_normal", {{R"({"type": "diagonal_normal"})"}});
}

}  // namespace flowfit::distributions
