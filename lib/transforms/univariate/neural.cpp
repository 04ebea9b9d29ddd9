// neural: a monotone network of sigmoid units, of the number alone; its weights are the raw numbers.
//
// Huang, Krueger, Lacoste, Courville, "Neural Autoregressive Flows", ICML 2018. One layer (their DSF): y = logit(Σ_k w_k sigmoid(a_k·(x − c_k))). `dense` (DDSF):
// each of `layers` but the last has `width` outputs h_m = logit(Σ_k w_mk sigmoid(z_k)), and the next one's units are z_k = a_k·(Σ_m u_km h_m − c_k). The places c
// stand inside a: a unit stays where it is when it becomes steeper. On [−bound, bound], with its lines outside and a share min_slope of
// the straight line mixed in. Raw, for each feature and layer: weights u (not in the first layer), steepnesses a, places c, weights w.
#include <cmath>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/mixture.h"
#include "transforms/univariate/mixture_start.h"
#include "transforms/univariate/one_way.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Neural final : public OneWay<T, Neural<T>> {
 public:
  explicit Neural(const config::Node& node) : OneWay<T, Neural<T>>(node) {
    dense_ = node.boolean("dense", false);
    width_ = node.integer("width", dense_ ? 6 : 16, 2, 256);
    layers_ = node.has("layers") || dense_ ? node.integer("layers", 2, 2, most_layers) : 1;
    if (!dense_ && node.has("layers")) node.error_at("layers", "only a dense network has them; add \"dense\": true or remove it");
    bound_ = node.number("bound", 10.0, {.low = 0.0, .high = 1e6, .open_low = true});
    min_slope_ = node.number("min_slope", 1e-3, {.low = 0.0, .high = 0.9, .open_low = true});
  }
  int parameters() const override {
    int sum = 0;
    for (int l = 0; l < layers_; ++l) sum += (l > 0 ? width_ * width_ : 0) + 2 * width_ + outputs(l) * width_;
    return sum;
  }
  std::vector<double> initial() const override {
    // Equal units would stay equal for ever: their places are spread, and units of one layer look with two
    // thirds of their weight at different ones of the layer before.
    const MixtureStart start(autodiff::MixtureKind::logistic, width_, bound_, 1.0 / layers_);
    std::vector<double> raw;
    const auto add_leaning = [&](int to, int from) {
      for (int i = 0; i < to; ++i) {
        for (int j = 0; j < from; ++j) raw.push_back(to > 1 && i == j ? std::log(2.0 * from) : 0.0);
      }
    };
    for (int l = 0; l < layers_; ++l) {
      if (l > 0) add_leaning(width_, width_);
      raw.insert(raw.end(), start.steepnesses.begin(), start.steepnesses.end());
      raw.insert(raw.end(), start.places.begin(), start.places.end());
      add_leaning(outputs(l), width_);
    }
    return raw;
  }
  std::vector<Exchangeable> exchangeable() const override {
    std::vector<Exchangeable> groups;
    Exchangeable outputs_before;  // of the layer before, with their rows of w there and their columns of u here
    int first = 0;
    for (int l = 0; l < layers_; ++l) {
      Exchangeable units, made(static_cast<std::size_t>(outputs(l)));
      const int n = width_, blend = first, own = first + (l > 0 ? n * n : 0);
      for (int k = 0; k < n; ++k) {
        units.push_back({own + k, own + n + k});
        for (int m = 0; m < outputs(l); ++m) {
          units.back().push_back(own + 2 * n + m * n + k);
          made[static_cast<std::size_t>(m)].push_back(own + 2 * n + m * n + k);
        }
        for (int j = 0; l > 0 && j < n; ++j) {
          units.back().push_back(blend + k * n + j);
          outputs_before[static_cast<std::size_t>(j)].push_back(blend + k * n + j);
        }
      }
      groups.push_back(units);
      if (l > 0) groups.push_back(outputs_before);
      outputs_before = made;
      first = own + (2 + outputs(l)) * n;
    }
    return groups;
  }

  struct Layer {
    Var<T> blend, steepness, places, weights;
  };
  static constexpr int most_layers = 4;
  struct Prepared {
    Layer layers[most_layers];
  };
  Prepared prepare(autodiff::Tape<T>& tape, Var<T> raw, Index rows) const {
    const auto spread = [&](Var<T> one) { return autodiff::broadcast_rows(tape, one, rows); };
    const Index p = parameters(), n = width_;
    const double least = mixture_least_weight / width_;
    Prepared made;
    Index first = 0;
    for (int l = 0; l < layers_; ++l) {
      Layer& layer = made.layers[l];
      const Index m = outputs(l);
      if (l > 0) {
        layer.blend = spread(autodiff::simplex(tape, raw, {p, first, n * n}, n, least, 1.0));
        first += n * n;
      }
      layer.steepness = spread(autodiff::positive(tape, raw, {p, first, n}, mixture_steepest));
      layer.places = spread(autodiff::softclip(tape, raw, {p, first + n, n}, 2 * bound_));
      layer.weights = spread(autodiff::simplex(tape, raw, {p, first + 2 * n, m * n}, n, least, 1.0));
      first += (2 + m) * n;
    }
    return made;
  }
  Mapped<T> map(autodiff::Tape<T>& tape, Var<T> x, const Prepared& p) const {
    autodiff::Tangent<T> h{autodiff::clamp(tape, x, bound_), {}};
    for (int l = 0; l < layers_; ++l) {
      const Layer& layer = p.layers[l];
      const autodiff::Tangent<T> z = l == 0
                                         ? autodiff::mixture_units(tape, h.value, layer.steepness, layer.places)
                                         : autodiff::mixture_blend(tape, h, layer.blend, layer.steepness, layer.places, x.cols);
      h = autodiff::mixture_quantile(tape, autodiff::MixtureKind::logistic, z, layer.weights, x.cols);
    }
    return autodiff::linear_tails(tape, x, h, bound_, min_slope_);
  }

 private:
  int outputs(int layer) const { return layer + 1 < layers_ ? width_ : 1; }
  bool dense_;
  int width_, layers_;
  double bound_, min_slope_;
};

}  // namespace

UnivariateEntry neural_univariate() {
  return univariate_entry<Neural>("neural", {R"({"type": "neural"})", R"({"type": "neural", "dense": true, "width": 2})",
                                             R"({"type": "neural", "width": 2, "bound": 3, "direction": "sampling"})"});
}

}  // namespace flowfit::transforms
