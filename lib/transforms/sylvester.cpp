// sylvester: M planar maps at once: x + Q·R·tanh(R̃·Qᵀ·x + b), with orthonormal Q (D x M) and upper triangular R, R̃.
//
// van den Berg, Hasenclever, Tomczak, Welling, "Sylvester Normalizing Flows for Variational Inference", UAI 2018. Q is a product of M Householder reflections.
// R̃_ii > 0 and R_ii·R̃_ii = softplus(product + c) − 1 > −1, so it is invertible; back substitution leaves one unknown at a time on the way back. direction
// "scoring" (default): the formula takes the data to the base; "sampling": the base to the data. Parameters: `reflections` (M x D, drawn at random; none where
// D = 1), `outer` and `inner` (R and R̃ strictly above the diagonal, row by row, M(M−1)/2 each), `product` (M), `inner_diagonal` (M), `bias` (M), all zeros: the
// identity. With "context": true a network outputs them.
#include "autodiff/ops/sylvester.h"

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/householder.h"
#include "transforms/row_options.h"
#include "transforms/row_parameters.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Sylvester final : public Transform<T> {
 public:
  Sylvester(const config::Node& node, const Build& build)
      : Transform<T>(build),
        scores_(reads_scoring(node)),
        units_(node.integer("units", build.features, 1, std::max(build.features, 1))),
        parameters_(node, build, parts(build, units_)) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, scores_); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, !scores_); }

 private:
  static std::vector<typename RowParameters<T>::Part> parts(const Build& build, Index m) {
    const auto zeros = [](Index count) { return std::vector<double>(static_cast<std::size_t>(count), 0.0); };
    const Index d = build.features, reflections = d > 1 ? m : 0, above = m * (m - 1) / 2;
    return {{"reflections", {reflections, d}, drawn_normals(build, reflections * d, 1.0)},
            {"outer", {above}, zeros(above)},
            {"inner", {above}, zeros(above)},
            {"product", {m}, zeros(m)},
            {"inner_diagonal", {m}, zeros(m)},
            {"bias", {m}, zeros(m)}};
  }

  // Qᵀ·x is the beginning of the reflected row, and Q·value the reflections, backwards, of a row that is zero after M entries.
  Mapped<T> map(Pass<T>& pass, Var<T> x, Var<T> context, bool inverse) const {
    nn::Tape<T>& tape = pass.tape;
    const auto p = parameters_.values(pass, context);
    const bool turns = x.cols > 1;
    const Var<T> turned = turns ? autodiff::reflect(tape, x, p.of(0), false) : x;
    const Mapped<T> m =
        autodiff::sylvester_core<T>(tape, {p.of(1), p.of(2), p.of(3), p.of(4), p.of(5)}, turned.columns(0, units_), inverse);
    const Var<T> wide = autodiff::widen(tape, m.value, x.cols);
    return {autodiff::add(tape, x, turns ? autodiff::reflect(tape, wide, p.of(0), true) : wide), m.log_det};
  }
  bool scores_;
  Index units_;
  RowParameters<T> parameters_;
};

}  // namespace

TransformEntry sylvester_transform() {
  return transform_entry<Sylvester>(
      "sylvester",
      {{R"({"type": "sylvester"})", 2, 0},
       {R"({"type": "sylvester", "units": 3, "direction": "sampling"})", 4, 0},
       {R"({"type": "sylvester", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 1, 1},
       {R"({"type": "sylvester", "units": 2, "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 3, 2}});
}

}  // namespace flowfit::transforms
