// triangular: x = L·z + b with a triangular matrix of positive diagonal: a learned covariance by its Cholesky factor. Sampling is the product, scoring a
// substitution; "inverse": true swaps them.
//
// Dillon et al., "TensorFlow Distributions", 2017, §3.2 (affine bijectors by Cholesky factors); Pyro's LowerCholeskyAffine with its matrix learned. The
// diagonal is softplus + 1e-3; the identity at the start. Parameters: `off_diagonal` (D(D−1)/2, row by row), `diagonal` (D raw numbers), `bias` (D). With
// "context": true all of them come from a network of the context, one after the other: `net.…`.
#include "autodiff/ops/triangular.h"

#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class TriangularMap final : public Transform<T> {
 public:
  TriangularMap(const config::Node& node, const Build& build)
      : Transform<T>(build), upper_(node.boolean("upper", false)), parameters_(node, build, parts(build.features)) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    return autodiff::triangular_apply(pass.tape, matrix(pass, context), x);
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    return autodiff::triangular_solve(pass.tape, matrix(pass, context), y);
  }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(Index d) {
    const Index strict = d * (d - 1) / 2;
    return {{"off_diagonal", {strict}, std::vector<double>(static_cast<std::size_t>(strict), 0.0)},
            {"diagonal", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)},
            {"bias", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)}};
  }
  autodiff::Triangular<T> matrix(Pass<T>& pass, Var<T> context) const {
    const auto p = parameters_.values(pass, context);
    return {upper_, p.of(0), p.of(1), p.of(2)};
  }

  bool upper_;
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry triangular_transform() {
  return transform_entry<TriangularMap>(
      "triangular",
      {{R"({"type": "triangular"})", 3, 0},
       {R"({"type": "triangular", "upper": true})", 2, 0},
       {R"({"type": "triangular"})", 1, 0},
       {R"({"type": "triangular", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2},
       {R"({"type": "triangular", "upper": true, "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 2, 1}});
}

}  // namespace flowfit::transforms
