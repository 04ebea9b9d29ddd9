// block_autoregressive: one network maps the row itself: its weights are block triangular, and positive from a column to itself.
//
// De Cao, Titov, Aziz, "Block Neural Autoregressive Flow", UAI 2019. Every column has units of its own in each hidden layer, which see the units of the columns
// before it (and the context, in the first layer) with any weights and its own with positive ones: softplus of the raw numbers in place of the paper's
// normalized exponentials. Hidden units are tanh(z) + 0.01·z, so that the network maps onto the line. The result is gated, x + σ(gate)·(f(x) − x), as the paper's
// residual form; a small gate at the start is close to the identity. The way back searches for one number a column. direction "scoring" (default): the network
// takes the data to the base; "sampling": the base to the data. Parameters: for each layer l `net.l.weight` (strictly block lower triangular, columns in
// `order`), `net.l.bias`, `net.l.diagonal` (D x out x in raw numbers of the positive blocks); `gate` (D).
#include <cmath>

#include "autodiff/implicit.h"
#include "autodiff/ops/dense.h"
#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/monotone.h"
#include "transforms/order.h"
#include "transforms/row_options.h"

namespace flowfit::transforms {
namespace {

// σ(−4.6) = 0.01.
constexpr double closed_gate = -4.6;

template <class T>
class BlockAutoregressive final : public Transform<T> {
 public:
  BlockAutoregressive(const config::Node& node, const Build& build)
      : Transform<T>(build),
        order_(read_order(node, "given", build)),
        where_(inverse_order(order_)),
        scores_(reads_scoring(node)),
        given_(seen_context(node, build)) {
    std::vector<int> widths = node.integers("hidden_factors", {8, 8}, 1, 4096);
    widths.push_back(1);
    int in = 1;
    for (const int out : widths) {
      Layer l{in, out, {}, {}, {}, {}};
      const bool first = layers_.empty();
      const int inputs = first ? given_ + build.features : build.features * in;
      for (int j = 0; j < build.features * out; ++j) l.prefix.push_back((first ? given_ : 0) + j / out * in);
      const std::string name = build.name + ".net." + std::to_string(layers_.size());
      const double limit = 1 / std::sqrt(static_cast<double>(inputs));
      l.weight = build.layout.matrix(name + ".weight", Index{build.features} * out, inputs, nn::uniform(limit), l.prefix);
      l.bias = build.layout.vector(name + ".bias", {Index{build.features} * out}, nn::uniform(1.0));
      l.diagonal = build.layout.vector(name + ".diagonal", {build.features, out, in}, nn::uniform(1.0));
      layers_.push_back(std::move(l));
      in = out;
    }
    gate_ = build.layout.vector(build.name + ".gate", {build.features},
                                nn::values(std::vector<double>(static_cast<std::size_t>(build.features), closed_gate)));
  }

  Links links() const override {
    Links links = Links::each(static_cast<int>(this->features()));
    for (std::size_t i = 0; i < order_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        links.looks[static_cast<std::size_t>(order_[i])][static_cast<std::size_t>(order_[j])] = true;
    return links;
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, scores_); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, !scores_); }

 private:
  struct Layer {
    int in, out;  // units of one column
    std::vector<int> prefix;
    nn::Slot weight, bias, diagonal;
  };

  // Column d, given what earlier columns and the context add to its units; the units themselves go to `units`, one Var a layer.
  Mapped<T> column(Pass<T>& pass, Index d, Var<T> x, const Var<T>* offsets, Var<T>* units) const {
    autodiff::Rising<T> h = autodiff::rising(pass.tape, x);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const Index size = Index{layer.in} * layer.out;
      Var<T> raw = pass.parameter(layer.diagonal).columns(d * size, size);
      raw.rows = layer.in;
      raw.cols = layer.out;
      h = autodiff::rising_layer(pass.tape, h, raw, offsets[l].columns(d * layer.out, layer.out), l + 1 < layers_.size());
      units[l] = h.value;
    }
    return autodiff::gated(pass.tape, x, h, pass.parameter(gate_).columns(d, 1));
  }

  Mapped<T> map(Pass<T>& pass, Var<T> given, Var<T> context, bool searches) const {
    nn::Tape<T>& tape = pass.tape;
    const Var<T> in = autodiff::gather_columns(tape, given, order_);
    const Index rows = in.rows, n = in.cols;
    const std::size_t depth = layers_.size();
    // What each layer reads, what it adds to the units of a column, and the units of the column at hand.
    auto* seen = tape.template scratch<Var<T>>(static_cast<Index>(depth));
    auto* offsets = tape.template scratch<Var<T>>(static_cast<Index>(depth));
    auto* units = tape.template scratch<Var<T>>(static_cast<Index>(depth));
    for (std::size_t l = 0; l < depth; ++l) {
      seen[l] = tape.make(rows, l == 0 ? given_ + n : n * layers_[l].in, true);
      offsets[l] = tape.make(rows, n * layers_[l].out, true);
    }
    if (given_ > 0) autodiff::copy(tape, context, seen[0].columns(0, given_));
    const Var<T> value = tape.make(rows, n, true), log_det = tape.make(rows, n, true);
    for (Index d = 0; d < n; ++d) {
      for (std::size_t l = 0; l < depth; ++l) {
        const Layer& layer = layers_[l];
        const autodiff::DenseLayer<T> dense{pass.parameter(layer.weight), pass.parameter(layer.bias), layer.prefix.data()};
        autodiff::dense_columns(tape, dense, seen[l], {}, offsets[l], {}, d * layer.out, Index{layer.out});
      }
      const auto f = [&](Var<T> x) { return column(pass, d, x, offsets, units); };
      const Mapped<T> m = searches ? autodiff::invert_increasing(tape, in.columns(d, 1), f) : f(in.columns(d, 1));
      autodiff::copy(tape, m.value, value.columns(d, 1));
      autodiff::copy(tape, m.log_det, log_det.columns(d, 1));
      if (d + 1 == n) break;
      // The last call of f was at the root.
      autodiff::copy(tape, searches ? m.value : in.columns(d, 1), seen[0].columns(given_ + d, 1));
      for (std::size_t l = 0; l + 1 < depth; ++l)
        autodiff::copy(tape, units[l], seen[l + 1].columns(d * layers_[l].out, layers_[l].out));
    }
    return {autodiff::gather_columns(tape, value, where_), Transform<T>::wanted(pass, log_det, &where_)};
  }

  std::vector<int> order_, where_;
  bool scores_;
  int given_;  // columns of the context that the first layer reads
  std::vector<Layer> layers_;
  nn::Slot gate_;
};

}  // namespace

TransformEntry block_autoregressive_transform() {
  return transform_entry<BlockAutoregressive>(
      "block_autoregressive",
      {{R"({"type": "block_autoregressive", "hidden_factors": [4]})", 2, 0},
       {R"({"type": "block_autoregressive", "hidden_factors": [3, 2], "order": [2, 0, 1], "context": true})", 3, 2},
       {R"({"type": "block_autoregressive", "hidden_factors": [3], "direction": "sampling"})", 1, 0}});
}

}  // namespace flowfit::transforms
