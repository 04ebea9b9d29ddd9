// rotation: x = exp(A)·z with a learned skew-symmetric A: every rotation, none twice near the start. The inverse is exp(−A)·x; log_det is 0.
//
// Lezcano-Casado, Martínez-Rubio, "Cheap Orthogonal Constraints in Neural Networks", ICML 2019; Zuko's RotationTransform. A = 0 at the start: the identity.
// Parameters: `generator` (D(D−1)/2: A below its diagonal, row by row). With "context": true it comes from a network of the context: `net.…`.
#include "autodiff/ops/exponential.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Rotation final : public Transform<T> {
 public:
  Rotation(const config::Node& node, const Build& build) : Transform<T>(build), parameters_(node, build, parts(build.features)) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return turned(pass, x, context, false); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return turned(pass, y, context, true); }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(Index d) {
    const Index size = d * (d - 1) / 2;
    return {{"generator", {size}, std::vector<double>(static_cast<std::size_t>(size), 0.0)}};
  }
  Mapped<T> turned(Pass<T>& pass, Var<T> x, Var<T> context, bool inverse) const {
    return autodiff::exponential_map(pass.tape, x, parameters_.values(pass, context).of(0), autodiff::Generator::skew, inverse);
  }
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry rotation_transform() {
  return transform_entry<Rotation>(
      "rotation", {{R"({"type": "rotation"})", 3, 0},
                   {R"({"type": "rotation"})", 2, 0},
                   {R"({"type": "rotation", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
