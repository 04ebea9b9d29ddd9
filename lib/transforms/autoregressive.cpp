// autoregressive: column d through a univariate whose parameters come from the columns before it (and the context), or with fewer `passes` from the groups of
// columns before its own.
//
// direction "scoring": Papamakarios, Pavlakou, Murray, "Masked Autoregressive Flow", NeurIPS 2017: the masked network reads the data side, so scoring is one pass.
// "sampling": Kingma et al., "Inverse Autoregressive Flow", NeurIPS 2016: it reads the base side. The other direction goes group by group, but each hidden
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
        groups_(node.integer("passes", build.features, 1, build.features)),
        univariate_(make_univariate<T>(node.required("univariate"))),
        network_(build.layout, build.name + ".net", nn::NetworkSpec::read(node.member("net"), true), build.context,
                 build.features, groups_, repeated(univariate_->initial(), build.features)) {
    this->allow(univariate_->tolerance());
  }

  Links links() const override {
    const int n = static_cast<int>(this->features());
    Links links = Links::each(n);
    for (int g = 1; g < groups_; ++g) {
      const int first = nn::first_of_group(g, n, groups_), end = nn::first_of_group(g + 1, n, groups_);
      for (int i = first; i < end; ++i)
        for (int j = 0; j < first; ++j)
          links.looks[static_cast<std::size_t>(order_[static_cast<std::size_t>(i)])]
                     [static_cast<std::size_t>(order_[static_cast<std::size_t>(j)])] = true;
    }
    return links;
  }

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
                                 : by_group(pass, ordered, context, inverse);
    return {autodiff::gather_columns(tape, m.value, where_), Transform<T>::wanted(pass, m.log_det, &where_)};
  }

  Mapped<T> by_group(Pass<T>& pass, Var<T> in, Var<T> context, bool inverse) const {
    nn::Tape<T>& tape = pass.tape;
    Var<T> rows = context;
    rows.rows = in.rows;
    const typename nn::Network<T>::State state = network_.begin(pass, rows, true);
    const Var<T> value = tape.make(in.rows, in.cols, true), log_det = tape.make(in.rows, in.cols, true);
    const Index p = univariate_->parameters();
    for (int g = 0; g < groups_; ++g) {
      const int first = nn::first_of_group(g, static_cast<int>(in.cols), groups_);
      const Index count = nn::first_of_group(g + 1, static_cast<int>(in.cols), groups_) - first;
      network_.advance(pass, state, g, g);
      const Mapped<T> m = apply(pass, in.columns(first, count), state.output.columns(first * p, count * p), inverse);
      autodiff::copy(tape, m.value, value.columns(first, count));
      autodiff::copy(tape, m.log_det, log_det.columns(first, count));
      if (g + 1 < groups_) network_.provide(pass, state, m.value, first);
    }
    return {value, log_det};
  }

  std::vector<int> order_, where_;
  bool scores_in_one_pass_;
  int groups_;
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
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "passes": 2, "order": "reverse", "net": {"hidden": [6], "activation": "elu"}})",
        3, 0},
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "net": {"hidden": [5], "activation": "tanh"}})", 1, 1},
       {R"({"type": "autoregressive", "univariate": UNIVARIATE, "net": {"hidden": [6], "activation": "tanh"}})", 2, 0}});
}

}  // namespace flowfit::transforms
