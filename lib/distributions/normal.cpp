// normal: the standard normal, independent columns. Nothing is learned.
#include "autodiff/ops/elementwise.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"

namespace flowfit::distributions {
namespace {

template <class T>
class Normal final : public Distribution<T> {
 public:
  Normal(const config::Node&, const Build& build) : features_(build.features) {}
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override { return autodiff::standard_normal_log_prob(pass.tape, z); }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    return standard_normals(pass, rows, features_, key);
  }
  bool standard_normal(Index) const override { return true; }

 private:
  Index features_;
};

}  // namespace

DistributionEntry normal_distribution() { return distribution_entry<Normal>("normal", {{R"({"type": "normal"})"}}); }

}  // namespace flowfit::distributions
