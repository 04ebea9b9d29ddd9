// svd_linear: a learned invertible linear map by its singular values. Scoring: z = U·S·V·x + b; sampling costs the same.
//
// nflows' SVDLinear; Tomczak, Welling, "Improving Variational Auto-Encoders using Householder Flow", 2016, for U and V, products of Householder reflections. S is
// diagonal, softplus + 1e-3; the identity at the start. Parameters: `left` and `right` (K x D each), `diagonal` (D raw numbers), `bias` (D). With "context": true all
// of them come from a network of the context, one after the other: `net.…`.
#include "autodiff/ops/affine.h"
#include "autodiff/ops/householder.h"
#include "autodiff/ops/triangular.h"
#include "transforms/reflections.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class SvdLinear final : public Transform<T> {
 public:
  SvdLinear(const config::Node& node, const Build& build)
      : Transform<T>(build), parameters_(node, build, parts(build, read_reflections(node, build))) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    const auto p = parameters_.values(pass, context);
    const Var<T> shifted = autodiff::shift_map(pass.tape, x, p.of(3), true).value;
    const Var<T> turned = autodiff::reflect(pass.tape, shifted, p.of(0), true);
    const Mapped<T> m = autodiff::triangular_solve(pass.tape, {false, {}, p.of(2), {}}, turned);
    return {autodiff::reflect(pass.tape, m.value, p.of(1), true), m.log_det};
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    const auto p = parameters_.values(pass, context);
    const Var<T> turned = autodiff::reflect(pass.tape, y, p.of(1), false);
    const Mapped<T> m = autodiff::triangular_apply(pass.tape, {false, {}, p.of(2), {}}, turned);
    const Var<T> back = autodiff::reflect(pass.tape, m.value, p.of(0), false);
    return {autodiff::shift_map(pass.tape, back, p.of(3), false).value, m.log_det};
  }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(const Build& build, int reflections) {
    const Index d = build.features;
    return {{"left", {reflections, d}, paired_reflections(build, reflections, 0)},
            {"right", {reflections, d}, paired_reflections(build, reflections, 1)},
            {"diagonal", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)},
            {"bias", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)}};
  }
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry svd_linear_transform() {
  return transform_entry<SvdLinear>(
      "svd_linear", {{R"({"type": "svd_linear"})", 3, 0},
                     {R"({"type": "svd_linear", "reflections": 4})", 2, 0},
                     {R"({"type": "svd_linear", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
