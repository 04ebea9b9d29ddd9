// elementwise: each column through its own univariate; parameters free, or from the context.
//
// Pyro's Spline and ConditionalSpline. Parameters: `raw` (D x P), or `net` when there is context.
#include "autodiff/ops/elementwise.h"

#include "nn/conditioner.h"
#include "transforms/transform.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Elementwise final : public Transform<T> {
 public:
  Elementwise(const config::Node& node, const Build& build)
      : Transform<T>(build),
        univariate_(make_univariate<T>(node.required("univariate"))),
        conditioner_(node, build.layout, build.name, build.context, 0, build.features, univariate_->initial()) {
    this->allow(univariate_->tolerance());
  }
  Links links() const override { return Links::each(static_cast<int>(this->features())); }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    return summed(pass, univariate_->forward(pass, x, conditioner_.raw(pass, context, {})));
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    return summed(pass, univariate_->inverse(pass, y, conditioner_.raw(pass, context, {})));
  }

 private:
  static Mapped<T> summed(Pass<T>& pass, Mapped<T> m) { return {m.value, Transform<T>::wanted(pass, m.log_det)}; }
  std::unique_ptr<Univariate<T>> univariate_;
  nn::Conditioner<T> conditioner_;
};

}  // namespace

TransformEntry elementwise_transform() {
  return transform_entry<Elementwise>(
      "elementwise",
      {{R"({"type": "elementwise", "univariate": UNIVARIATE})", 2, 0},
       {R"({"type": "elementwise", "univariate": UNIVARIATE, "net": {"hidden": [6], "activation": "tanh"}})", 1, 2}});
}

}  // namespace flowfit::transforms
