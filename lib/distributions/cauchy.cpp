// cauchy: independent columns of density 1 / (π·(1 + s²)·scale), s = (z − loc) / scale. A tail that no flow makes of a normal.
//
// Parameters: `loc` (D), `log_scale` (D), or none with "learn": false.
#include <cmath>
#include <numbers>

#include "autodiff/ops/densities.h"
#include "distributions/location_scale.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Cauchy final : public ByQuantile<T> {
 public:
  Cauchy(const config::Node& node, const Build& build) : ByQuantile<T>(node, build) {}

 protected:
  Var<T> standard_log_prob(Pass<T>& pass, Var<T> s) const override {
    return autodiff::student_t_log_prob(pass.tape, s, autodiff::constant(pass.tape, 1, s.cols, T(0)));  // one degree of freedom
  }
  double quantile(double u) const override {
    return u < 0.5 ? -1 / std::tan(std::numbers::pi * u) : 1 / std::tan(std::numbers::pi * (1 - u));
  }
};

}  // namespace

DistributionEntry cauchy_distribution() {
  return distribution_entry<Cauchy>("cauchy", {{R"({"type": "cauchy"})"}, {R"({"type": "cauchy", "learn": false})"}});
}

}  // namespace flowfit::distributions
