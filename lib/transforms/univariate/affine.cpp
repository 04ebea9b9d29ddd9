// affine: y = s·x + t, s > 0.
//
// Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", ICLR 2017; Papamakarios, Pavlakou, Murray, "Masked Autoregressive
// Flow", NeurIPS 2017. Scales are bounded by default: unbounded ones are the first cause of NaN in training.
// Raw, for each feature: t, u. `scale` says how s comes from u (autodiff/ops/affine.h).
#include "autodiff/ops/affine.h"

#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Affine final : public Univariate<T> {
 public:
  explicit Affine(const config::Node& node) {
    const std::string name = node.choice("scale", "softclip", {"softclip", "exp", "softplus", "sigmoid"});
    scale_ = name == "exp"        ? autodiff::Scale::exp
             : name == "softplus" ? autodiff::Scale::softplus
             : name == "sigmoid"  ? autodiff::Scale::sigmoid
                                  : autodiff::Scale::softclip;
  }
  int parameters() const override { return 2; }
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const override {
    return autodiff::affine_map(pass.tape, x, raw, scale_, false);
  }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const override {
    return autodiff::affine_map(pass.tape, y, raw, scale_, true);
  }

 private:
  autodiff::Scale scale_;
};

}  // namespace

UnivariateEntry affine_univariate() {
  return univariate_entry<Affine>(
      "affine", {R"({"type": "affine"})", R"({"type": "affine", "scale": "exp"})", R"({"type": "affine", "scale": "softplus"})",
                 R"({"type": "affine", "scale": "sigmoid"})"});
}

}  // namespace flowfit::transforms
