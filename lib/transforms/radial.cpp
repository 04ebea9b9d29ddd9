// radial: the space grows or shrinks around a centre c: x + m·α/(α + |x − c|)·(x − c), closed in both directions.
//
// Rezende, Mohamed, "Variational Inference with Normalizing Flows", ICML 2015. With α = softplus(width + k) and m = softplus(strength + k) − 1 > −1 it is
// invertible; |x − c| on the way back is the root of a quadratic. direction "scoring" (default): the formula takes the data to the base; "sampling": the base
// to the data. Parameters: `centre` c (D, drawn at random), `width` (1), `strength` (1), zeros: α = 1, and m = 0 is the identity; with "context": true a
// network outputs them.
#include "autodiff/ops/radial.h"

#include "transforms/row_options.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Radial final : public Transform<T> {
 public:
  Radial(const config::Node& node, const Build& build)
      : Transform<T>(build),
        scores_(reads_scoring(node)),
        parameters_(node, build,
                    {{"centre", {build.features}, drawn_normals(build, build.features, 1.0)},
                     {"width", {1}, {0.0}},
                     {"strength", {1}, {0.0}}}) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, scores_); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, !scores_); }

 private:
  Mapped<T> map(Pass<T>& pass, Var<T> x, Var<T> context, bool inverse) const {
    const auto p = parameters_.values(pass, context);
    return autodiff::radial_map(pass.tape, x, p.of(0), p.of(1), p.of(2), inverse);
  }
  bool scores_;
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry radial_transform() {
  return transform_entry<Radial>(
      "radial", {{R"({"type": "radial"})", 2, 0},
                 {R"({"type": "radial", "direction": "sampling"})", 1, 0},
                 {R"({"type": "radial", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
