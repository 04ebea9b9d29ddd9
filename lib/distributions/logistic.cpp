// logistic: independent columns of density e^−s / ((1 + e^−s)²·scale), s = (z − loc) / scale.
//
// Parameters: `loc` (D), `log_scale` (D), or none with "learn": false.
#include <cmath>
#include <numbers>

#include "autodiff/ops/densities.h"
#include "distributions/location_scale.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Logistic final : public ByQuantile<T> {
 public:
  Logistic(const config::Node& node, const Build& build) : ByQuantile<T>(node, build) {}

 protected:
  Var<T> standard_log_prob(Pass<T>& pass, Var<T> s) const override {
    return autodiff::standard_log_prob(pass.tape, autodiff::Standard::logistic, s);
  }
  double quantile(double u) const override { return std::log(u / (1 - u)); }
};

}  // namespace

DistributionEntry logistic_distribution() {
  return distribution_entry<Logistic>("logistic", {{R"({"type": "logistic"})"}, {R"({"type": "logistic", "learn": false})"}});
}

}  // namespace flowfit::distributions
