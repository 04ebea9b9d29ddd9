// planar: the space is stretched along û by a ridge across w: x + û·tanh(w·x + b), one number searched for on the way back.
//
// Rezende, Mohamed, "Variational Inference with Normalizing Flows", ICML 2015. û is u moved along w so that w·û = softplus(w·u + c) − 1 > −1 (0 at w·u = 0),
// as in the paper's appendix but with the identity at u = 0. direction "scoring" (default): the formula takes the data to the base; "sampling": the base to
// the data. Parameters: `weight` w (D, drawn at random), `scale` u (D, zeros), `bias` b (1, zero); with "context": true a network outputs them.
#include "autodiff/ops/planar.h"

#include <cmath>

#include "transforms/row_options.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Planar final : public Transform<T> {
 public:
  Planar(const config::Node& node, const Build& build)
      : Transform<T>(build), scores_(reads_scoring(node)), parameters_(node, build, parts(build)) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, scores_); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, !scores_); }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(const Build& build) {
    const Index d = build.features;
    return {{"weight", {d}, drawn_normals(build, d, 1 / std::sqrt(static_cast<double>(d)))},
            {"scale", {d}, std::vector<double>(static_cast<std::size_t>(d), 0.0)},
            {"bias", {1}, {0.0}}};
  }
  Mapped<T> map(Pass<T>& pass, Var<T> x, Var<T> context, bool searches) const {
    const auto p = parameters_.values(pass, context);
    return autodiff::planar_map(pass.tape, x, p.of(0), p.of(1), p.of(2), searches);
  }
  bool scores_;
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry planar_transform() {
  return transform_entry<Planar>(
      "planar", {{R"({"type": "planar"})", 2, 0},
                 {R"({"type": "planar", "direction": "sampling"})", 1, 0},
                 {R"({"type": "planar", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
