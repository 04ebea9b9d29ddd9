// integral: the integral of a positive network, y = t + ∫₀ˣ g(u) du, on [−bound, bound]; its lines outside.
//
// Wehenkel, Louppe, "Unconstrained Monotonic Neural Networks", NeurIPS 2019. log g = l·tanh(z/l), l = ln 1000, z = b + Σ_k w_k tanh(a_k·(u/bound − c_k)), with Gauss–Legendre
// nodes between 0 and x (the paper has Clenshaw–Curtis). log_det is log g, so what the quadrature leaves is an error of the density: the steepness a is bounded by
// nodes/6 and the weights w by min(4, 16/K), for which it is below 1e-7 in trained networks and 1e-5 with every a and w at its bound (from 12 nodes on).
// Raw, for each feature: t, b, then K each of weights, steepnesses, places, r / (1 + |r|/limit); the limit of a place is 2.
#include <algorithm>
#include <cmath>

#include "autodiff/ops/columns.h"
#include "autodiff/ops/positive_network.h"
#include "transforms/univariate/one_way.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Integral final : public OneWay<T, Integral<T>> {
 public:
  explicit Integral(const config::Node& node) : OneWay<T, Integral<T>>(node), quadrature_(node.integer("nodes", 24, 12, 128)) {
    width_ = node.integer("width", 8, 1, 64);
    steepest_ = static_cast<double>(quadrature_.nodes.size()) / 6;
    heaviest_ = std::min(4.0, 16.0 / width_);
    bound_ = node.number("bound", 5.0, {.low = 0.0, .high = 1e6, .open_low = true});
  }
  int parameters() const override { return 2 + 3 * width_; }
  std::vector<double> initial() const override {
    // Weights of zero are the identity; the units differ by their places, which are spread over the box.
    std::vector<double> raw(static_cast<std::size_t>(parameters()), 0.0);
    for (std::size_t k = 0, n = static_cast<std::size_t>(width_); k < n; ++k) {
      const double place = 0.9 * ((2.0 * static_cast<double>(k) + 1) / static_cast<double>(n) - 1);
      raw[2 + n + k] = steepest_;  // a is half of it
      raw[2 + 2 * n + k] = place / (1 - std::abs(place) / 2);
    }
    return raw;
  }
  std::vector<Exchangeable> exchangeable() const override {
    Exchangeable units;
    for (int k = 0; k < width_; ++k) units.push_back({2 + k, 2 + width_ + k, 2 + 2 * width_ + k});
    return {units};
  }

  struct Prepared {
    Var<T> offset;
    autodiff::PositiveNetwork<T> network;
  };
  Prepared prepare(autodiff::Tape<T>& tape, Var<T> raw, Index rows) const {
    const Index n = width_, p = parameters();
    const auto spread = [&](Var<T> one) { return autodiff::broadcast_rows(tape, one, rows); };
    return {spread(autodiff::part(tape, raw, {p, 0, 1})),
            {spread(autodiff::softclip(tape, raw, {p, 2 + n, n}, steepest_)),
             spread(autodiff::softclip(tape, raw, {p, 2 + 2 * n, n}, 2)),
             spread(autodiff::softclip(tape, raw, {p, 2, n}, heaviest_)), spread(autodiff::part(tape, raw, {p, 1, 1}))}};
  }
  Mapped<T> map(autodiff::Tape<T>& tape, Var<T> x, const Prepared& p) const {
    const Var<T> at = autodiff::clamp(tape, x, bound_);
    return autodiff::linear_tails(
        tape, x, autodiff::positive_network_integral(tape, quadrature_, bound_, at, p.offset, p.network), bound_, 0.0);
  }

 private:
  autodiff::Quadrature quadrature_;
  int width_;
  double bound_, steepest_, heaviest_;
};

}  // namespace

UnivariateEntry integral_univariate() {
  // Small ones: every entry costs width·(nodes + 1) exponentials.
  return univariate_entry<Integral>("integral",
                                    {R"({"type": "integral", "width": 2, "nodes": 12})",
                                     R"({"type": "integral", "width": 2, "nodes": 12, "bound": 3, "direction": "sampling"})"});
}

}  // namespace flowfit::transforms
