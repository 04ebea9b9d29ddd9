// uniform: a box, the same interval [low, high] for each column. A score outside it is −inf.
#include <cmath>
#include <limits>

#include "distributions/distribution.h"
#include "distributions/draws.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Uniform final : public Distribution<T> {
 public:
  Uniform(const config::Node& node, const Build& build)
      : features_(build.features), low_(node.number("low", 0.0)), high_(node.number("high", 1.0)) {
    if (high_ <= low_) node.error_at("high", "must be above low");
  }
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override {
    // Flat inside and nothing outside: the log density has no gradient.
    const Var<T> y = pass.tape.make(z.rows, 1, false);
    const T inside = static_cast<T>(-std::log(high_ - low_) * static_cast<double>(features_));
    const T low = static_cast<T>(low_), high = static_cast<T>(high_);
    for (Index i = 0; i < z.rows; ++i) {
      bool in = true;
      for (Index d = 0; d < z.cols; ++d) in = in && z.value[d * z.rows + i] >= low && z.value[d * z.rows + i] <= high;
      y.value[i] = in ? inside : -std::numeric_limits<T>::infinity();
    }
    return y;
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    return draws(pass, rows, features_, [&](std::uint64_t row, std::span<double> out) {
      key.uniforms(row, out);
      for (double& u : out) u = low_ + (high_ - low_) * u;
    });
  }
  std::pair<double, double> support() const override { return {low_, high_}; }

 private:
  Index features_;
  double low_, high_;
};

}  // namespace

DistributionEntry uniform_distribution() {
  return distribution_entry<Uniform>("uniform", {{R"({"type": "uniform"})"}, {R"({"type": "uniform", "low": -6, "high": 6})"}});
}

}  // namespace flowfit::distributions
