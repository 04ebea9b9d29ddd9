// autoregressive: column d through a univariate whose parameters come from the columns before it (and the context).
//
// direction "scoring": Papamakarios, Pavlakou, Murray, "Masked Autoregressive Flow", NeurIPS 2017: the masked network reads the data side, so scoring is one pass.
// "sampling": Kingma et al., "Inverse Autoregressive Flow", NeurIPS 2016: it reads the base side. The other direction goes column by column, but each hidden
// unit is computed once, when its inputs are known, so it costs one network pass in all and differentiates like any other. Parameters: `net.…` with the columns in
// `order`.
#include "autodiff/ops/elementwise.h"
#include "nn/network.h"
#include "transforms/order.h"
#include "transforms/transform.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Autoregressive final : public Transform<T> {
 public:
  Autoregressive(const config::Node& node, const Build& build)
      : Transform<T>(build),
        order_(read_order(node, "given", build)),
        where_(inverse_order(order_)),
        scores_in_one_pass_(node.choice("direction", "scoring", {"scoring", "sampling"}) == "scoring"),
        univariate_(make_univariate<T>(node.required("univariate"))),
        network_(build.layout, build.name + ".net", nn::NetworkSpec::read(node.member("net")), build.context, build.features,
                 build.features, repeated(univariate_->initial(), build.features)) {}

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, false); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, true); }

 private:
  static std::vector<double> repeated(const std::vector<double>& one, int times) {
    std::vector<double> all;
    for (int d = 0; d < times; ++d) all.insert(all.end(), one.begin(), one.end());
    return all;
  }

  Mapped<T> apply(Pass<T>& pass, Var<T> in, Var<T> raw, bool inverse) const {
    return inverse ? univariate_->inverse(pass, in, raw) : univariate_->forward(pass, in, raw);
  }

  Mapped<T> map(Pass<T>& pass, Var<T> in, Var<T> context, bool inverse) const {
    nn::Tape<T>& tape = pass.tape;
    const Var<T> ordered = autodiff::gather_columns(tape, in, order_);
    const bool one_pass = inverse == scores_in_one_pass_;
    const Mapped<T> m = one_pass ? apply(pass, ordered, network_.run(pass, context, ordered), inverse)
                                 : by_column(pass, ordered, context, inverse);
    return {autodiff::gather_columns(tape, m.value, where_), autodiff::row_sum(tape, m.log_det)};
  }

  Mapped<T> by_column(Pass<T>& pass, Var<T> in, Var<T> context, bool inverse) const {
    nn::Tape<T>& tape = pass.tape;
    Var<T> rows = context;
    rows.rows = in.rows;
    const typename nn::Network<T>::State state = network_.begin(pass, rows, true);
    const Var<T> value = tape.make(in.rows, in.cols, true), log_det = tape.make(in.rows, in.cols, true);
    const Index p = univariate_->parameters();
    for (Index d = 0; d < in.cols; ++d) {
      network_.advance(pass, state, static_cast<int>(d), static_cast<int>(d));
      const Mapped<T> m = apply(pass, in.columns(d, 1), state.output.columns(d * p, p), inverse);
      autodiff::copy(tape, m.value, value.columns(d, 1));
      autodiff::copy(tape, m.log_det, log_det.columns(d, 1));
      if (d + 1 < in.cols) network_.provide(pass, state, m.value, static_cast<int>(d));
    }
    return {value, log_det};
  }

  std::vector<int> order_, where_;
  bool scores_in_one_pass_;
  std::unique_ptr<Univariate<T>> univariate_;
  nn::Network<T> network_;
};

}  // namespace

TransformEntry autoregressive_transform() {
  return transform_entry<Autoregressive>(
      "autoregressive",
      {{R"({"type": "autoregressive", "univariate": UNIVARIATE, "net": {"hidden": [9, 8], "activation": "tanh"}})", 3, 0},
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "order": [2, 0, 1], "net": {"type": "residual", "hidden": [8, 8], "activation": "elu"}})",
        3, 2},
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "direction": "sampling", "order": "random", "net": {"hidden": [7], "activation": "silu"}})",
        4, 0},
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "net": {"hidden": [5], "activation": "tanh"}})", 1, 1},
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "net": {"hidden": [6], "activation": "tanh"}})", 2, 0}});
}

}  // namespace flowfit::transforms
