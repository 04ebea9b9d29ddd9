// gumbel: independent columns of density e^−(s + e^−s) / scale, s = (z − loc) / scale: skewed to the right.
//
// Parameters: `loc` (D), `log_scale` (D), or none with "learn": false.
#include <cmath>
#include <numbers>

#include "autodiff/ops/densities.h"
#include "distributions/location_scale.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Gumbel final : public ByQuantile<T> {
 public:
  Gumbel(const config::Node& node, const Build& build) : ByQuantile<T>(node, build) {}

 protected:
  Var<T> standard_log_prob(Pass<T>& pass, Var<T> s) const override {
    return autodiff::standard_log_prob(pass.tape, autodiff::Standard::gumbel, s);
  }
  double quantile(double u) const override { return -std::log(-std::log(u)); }
};

}  // namespace

DistributionEntry gumbel_distribution() {
  return distribution_entry<Gumbel>("gumbel", {{R"({"type": "gumbel"})"}, {R"({"type": "gumbel", "learn": false})"}});
}

}  // namespace flowfit::distributions
