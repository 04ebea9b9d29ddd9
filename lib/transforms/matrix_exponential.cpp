// matrix_exponential: x = exp(A)·z + b for a learned matrix A without constraints. log_det = trace A, and the inverse is exp(−A)·(x − b).
//
// Hoogeboom et al., "The Convolution Exponential and Generalized Sylvester Flows", NeurIPS 2020, §3; Pyro's MatrixExponential. exp by scaling and squaring
// (autodiff/ops/exponential.h); A = 0 at the start: the identity. Parameters: `generator` (D x D), `bias` (D). With "context": true both come from a network of the
// context, one after the other: `net.…`.
#include "autodiff/ops/affine.h"
#include "autodiff/ops/exponential.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

using autodiff::Generator;

template <class T>
class MatrixExponential final : public Transform<T> {
 public:
  MatrixExponential(const config::Node& node, const Build& build)
      : Transform<T>(build), parameters_(node, build, parts(build.features)) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    const auto p = parameters_.values(pass, context);
    const Mapped<T> m = autodiff::exponential_map(pass.tape, x, p.of(0), Generator::full, false);
    return {autodiff::shift_map(pass.tape, m.value, p.of(1), false).value, m.log_det};
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    const auto p = parameters_.values(pass, context);
    const Var<T> shifted = autodiff::shift_map(pass.tape, y, p.of(1), true).value;
    return autodiff::exponential_map(pass.tape, shifted, p.of(0), Generator::full, true);
  }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(Index d) {
    return {{"generator", {d, d}, std::vector<double>(static_cast<std::size_t>(d * d), 0.0)},
            {"bias", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)}};
  }
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry matrix_exponential_transform() {
  return transform_entry<MatrixExponential>(
      "matrix_exponential",
      {{R"({"type": "matrix_exponential"})", 3, 0},
       {R"({"type": "matrix_exponential"})", 1, 0},
       {R"({"type": "matrix_exponential", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 2, 2}});
}

}  // namespace flowfit::transforms
