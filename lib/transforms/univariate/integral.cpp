// integral: the integral of a positive network, y = t + ∫₀ˣ g(u) du, on [−bound, bound]; its lines outside.
//
// Wehenkel, Louppe, "Unconstrained Monotonic Neural Networks", NeurIPS 2019. log g = l·tanh(z/l), l = ln 1000, z = b + Σ_k w_k tanh(a_k·(u/bound − c_k)), with Gauss–Legendre
// nodes between 0 and x (the paper has Clenshaw–Curtis). The steepness a and the weights w are bounded, so that g is as smooth as the nodes need: log_det is log g,
// and what the quadrature leaves is the error of the density. Raw, for each feature: t, b, K weights r / (1 + |r|/4), K steepnesses r / (1 + |r|/8), K places r / (1 + |r|/2).
#include "autodiff/ops/positive_network.h"
#include "transforms/univariate/one_way.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Integral final : public OneWay<T, Integral<T>> {
 public:
  explicit Integral(const config::Node& node) : OneWay<T, Integral<T>>(node), quadrature_(node.integer("nodes", 20, 8, 64)) {
    width_ = node.integer("width", 8, 1, 64);
    bound_ = node.number("bound", 5.0, {.low = 0.0, .high = 1e6, .open_low = true});
  }
  int parameters() const override { return 2 + 3 * width_; }
  std::vector<double> initial() const override {
    // Weights of zero are the identity; the units differ by their places, which are spread over the box.
    std::vector<double> raw(static_cast<std::size_t>(parameters()), 0.0);
    for (std::size_t k = 0, n = static_cast<std::size_t>(width_); k < n; ++k) {
      const double place = 0.9 * ((2.0 * static_cast<double>(k) + 1) / static_cast<double>(n) - 1);
      raw[2 + n + k] = 4;  // a = 8/3
      raw[2 + 2 * n + k] = place / (1 - std::abs(place) / 2);
    }
    return raw;
  }

  struct Prepared {
    Var<T> offset;
    autodiff::PositiveNetwork<T> network;
  };
  Prepared prepare(autodiff::Tape<T>& tape, Var<T> raw, Index rows) const {
    const Index n = width_, p = parameters();
    const auto spread = [&](Var<T> one) { return autodiff::spread_rows(tape, one, rows); };
    return {spread(autodiff::part(tape, raw, {p, 0, 1})),
            {spread(autodiff::softclip(tape, raw, {p, 2 + n, n}, 8)), spread(autodiff::softclip(tape, raw, {p, 2 + 2 * n, n}, 2)),
             spread(autodiff::softclip(tape, raw, {p, 2, n}, 4)), spread(autodiff::part(tape, raw, {p, 1, 1}))}};
  }
  Mapped<T> map(autodiff::Tape<T>& tape, Var<T> x, const Prepared& p) const {
    const Var<T> at = autodiff::clamp(tape, x, bound_);
    return autodiff::linear_tails(
        tape, x, autodiff::positive_network_integral(tape, quadrature_, bound_, at, p.offset, p.network), bound_, 0.0);
  }

 private:
  autodiff::Quadrature quadrature_;
  int width_;
  double bound_;
};

}  // namespace

UnivariateEntry integral_univariate() {
  return univariate_entry<Integral>(
      "integral", {R"({"type": "integral"})", R"({"type": "integral", "width": 2, "nodes": 16, "bound": 3, "direction": "sampling"})"});
}

}  // namespace flowfit::transforms
