// householder: a learned rotation, the product of K Householder reflections. Scoring: z = H_{K−1} ⋯ H_0·x; sampling takes them in the other order. log_det is 0.
//
// Tomczak, Welling, "Improving Variational Auto-Encoders using Householder Flow", 2016. The reflections start in equal pairs: the identity. Parameters:
// `reflections` (K x D, a vector a row). With "context": true they come from a network of the context: `net.…`.
#include "autodiff/ops/householder.h"

#include "autodiff/ops/elementwise.h"
#include "transforms/reflections.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Householder final : public Transform<T> {
 public:
  Householder(const config::Node& node, const Build& build)
      : Transform<T>(build), parameters_(node, build, parts(build, read_reflections(node, build))) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return turned(pass, x, context, true); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return turned(pass, y, context, false); }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(const Build& build, int reflections) {
    return {{"reflections", {reflections, build.features}, paired_reflections(build, reflections)}};
  }
  Mapped<T> turned(Pass<T>& pass, Var<T> x, Var<T> context, bool backwards) const {
    return {autodiff::reflect(pass.tape, x, parameters_.values(pass, context).of(0), backwards),
            autodiff::constant(pass.tape, x.rows, 1, T(0))};
  }
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry householder_transform() {
  return transform_entry<Householder>(
      "householder", {{R"({"type": "householder"})", 2, 0},
                      {R"({"type": "householder", "reflections": 4})", 3, 0},
                      {R"({"type": "householder", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
