// qr_linear: a learned invertible linear map by its QR factors. Scoring: z = Q·R·x + b; sampling substitutes and reflects back.
//
// Hoogeboom, van den Berg, Welling, "Emerging Convolutions for Generative Normalizing Flows", ICML 2019, §4.2; nflows' QRLinear. Q is a product of Householder
// reflections (Tomczak, Welling 2016), R upper triangular with diagonal softplus + 1e-3; the identity at the start. Parameters: `reflections` (K x D), `upper`
// (D(D−1)/2, row by row), `diagonal` (D raw numbers), `bias` (D). With "context": true all of them come from a network of the context: `net.…`.
#include "autodiff/ops/affine.h"
#include "autodiff/ops/householder.h"
#include "autodiff/ops/triangular.h"
#include "transforms/reflections.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class QrLinear final : public Transform<T> {
 public:
  QrLinear(const config::Node& node, const Build& build)
      : Transform<T>(build), parameters_(node, build, parts(build, read_reflections(node, build))) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    const auto p = parameters_.values(pass, context);
    const Var<T> shifted = autodiff::shift_map(pass.tape, x, p.of(3), true).value;
    return autodiff::triangular_solve(pass.tape, {true, p.of(1), p.of(2), {}},
                                      autodiff::reflect(pass.tape, shifted, p.of(0), true));
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    const auto p = parameters_.values(pass, context);
    const Mapped<T> m = autodiff::triangular_apply(pass.tape, {true, p.of(1), p.of(2), {}}, y);
    const Var<T> turned = autodiff::reflect(pass.tape, m.value, p.of(0), false);
    return {autodiff::shift_map(pass.tape, turned, p.of(3), false).value, m.log_det};
  }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(const Build& build, int reflections) {
    const Index d = build.features, strict = d * (d - 1) / 2;
    return {{"reflections", {reflections, d}, paired_reflections(build, reflections)},
            {"upper", {strict}, std::vector<double>(static_cast<std::size_t>(strict), 0.0)},
            {"diagonal", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)},
            {"bias", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)}};
  }
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry qr_linear_transform() {
  return transform_entry<QrLinear>(
      "qr_linear", {{R"({"type": "qr_linear"})", 3, 0},
                    {R"({"type": "qr_linear", "reflections": 4})", 2, 0},
                    {R"({"type": "qr_linear", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
