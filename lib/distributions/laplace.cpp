// laplace: independent columns of density e^−|s| / (2·scale), s = (z − loc) / scale.
//
// Parameters: `loc` (D), `log_scale` (D), or none with "learn": false.
#include <cmath>
#include <numbers>

#include "autodiff/ops/densities.h"
#include "distributions/location_scale.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Laplace final : public ByQuantile<T> {
 public:
  Laplace(const config::Node& node, const Build& build) : ByQuantile<T>(node, build) {}

 protected:
  Var<T> standard_log_prob(Pass<T>& pass, Var<T> s) const override {
    return autodiff::standard_log_prob(pass.tape, autodiff::Standard::laplace, s);
  }
  double quantile(double u) const override { return u < 0.5 ? std::log(2 * u) : -std::log(2 * (1 - u)); }
};

}  // namespace

DistributionEntry laplace_distribution() {
  return distribution_entry<Laplace>("laplace", {{R"({"type": "laplace"})"}, {R"({"type": "laplace", "learn": false})"}});
}

}  // namespace flowfit::distributions
