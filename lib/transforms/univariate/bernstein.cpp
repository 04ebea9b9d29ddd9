// bernstein: a monotone Bernstein polynomial on [−bound, bound], the identity outside, with slope 1 at ±bound.
//
// Ramasinghe, Fernando, Khan, Barnes, "Robust normalizing flows using Bernstein-type polynomials", 2021; Sick, Hothorn, Dürr, "Deep transformation models", ICPR 2020.
// The coefficients rise from −bound to bound in n steps. The first and the last are 2·bound/n: the slope at ±bound is 1, and the density has no jump there.
// Raw, for each feature: the n − 2 other steps, before their softmax.
#include "autodiff/ops/bernstein.h"

#include "autodiff/ops/columns.h"
#include "transforms/univariate/one_way.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Bernstein final : public OneWay<T, Bernstein<T>> {
 public:
  explicit Bernstein(const config::Node& node) : OneWay<T, Bernstein<T>>(node) {
    degree_ = node.integer("degree", 16, 4, 64);
    bound_ = node.number("bound", 5.0, {.low = 0.0, .high = 1e6, .open_low = true});
    min_slope_ = node.number("min_slope", 1e-3, {.low = 0.0, .high = 0.9, .open_low = true});
  }
  int parameters() const override { return degree_ - 2; }

  // A slope is a mean of steps, in units of the mean step: no step is below min_slope of that.
  Var<T> prepare(autodiff::Tape<T>& tape, Var<T> raw, Index rows) const {
    const Index p = parameters();
    const double mean = 2 * bound_ / degree_;
    return autodiff::broadcast_rows(
        tape, autodiff::simplex(tape, raw, {p, 0, p}, p, min_slope_ * mean, static_cast<double>(p) * mean), rows);
  }
  Mapped<T> map(autodiff::Tape<T>& tape, Var<T> x, Var<T> steps) const {
    return autodiff::bernstein_map(tape, degree_, bound_, x, steps);
  }

 private:
  int degree_;
  double bound_, min_slope_;
};

}  // namespace

UnivariateEntry bernstein_univariate() {
  return univariate_entry<Bernstein>(
      "bernstein", {R"({"type": "bernstein"})", R"({"type": "bernstein", "degree": 4, "bound": 2, "direction": "sampling"})"});
}

}  // namespace flowfit::transforms
