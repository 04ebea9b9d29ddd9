// sum_of_squares: the integral of a sum of squared polynomials, y = t + ∫₀ˣ min_slope + Σ_k p_k(u/bound)² du, on [−bound, bound]; its lines outside.
//
// Jaini, Selby, Yu, "Sum-of-Squares Polynomial Flow", ICML 2019. The polynomials are of u/bound, and straight lines go on at ±bound: x⁹ overflows float32, and
// far from the data a polynomial of that degree says nothing. Raw, for each feature: t, then the coefficients of each polynomial from the constant on, each r / (1 + |r|/10).
#include "autodiff/ops/sum_of_squares.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autodiff/ops/columns.h"
#include "transforms/univariate/one_way.h"

namespace flowfit::transforms {
namespace {

template <class T>
class SumOfSquares final : public OneWay<T, SumOfSquares<T>> {
 public:
  explicit SumOfSquares(const config::Node& node)
      : OneWay<T, SumOfSquares<T>>(node), quadrature_(node.integer("degree", 4, 1, 16) + 1) {
    polynomials_ = node.integer("polynomials", 3, 1, 64);
    bound_ = node.number("bound", 5.0, {.low = 0.0, .high = 1e6, .open_low = true});
    min_slope_ = node.number("min_slope", 1e-3, {.low = 0.0, .high = 0.9, .open_low = true});
  }
  int parameters() const override { return 1 + polynomials_ * coefficients(); }
  std::vector<double> initial() const override {
    // Σ_k c_k0² = 1 − min_slope would be the identity; but equal polynomials stay equal for ever, and so do multiples of one. Small higher coefficients keep them apart.
    // Their sum over the polynomials is 0, so the slope rises by the sum of their squares alone: at most by 0.005.
    const double count = polynomials_;
    const auto direction = [&](int k, int l) { return polynomials_ == 1 ? 0.0 : std::cos(2 * std::numbers::pi * k / count + l); };
    double highest = 1e-6;
    for (double u = -1; u <= 1; u += 0.05) {
      double rise = 0;
      for (int k = 0; k < polynomials_; ++k) {
        double p = 0;
        for (int l = coefficients() - 1; l > 0; --l) p = (p + direction(k, l)) * u;
        rise += p * p;
      }
      highest = std::max(highest, rise);
    }
    const double small = std::sqrt(0.04 / std::max(8.0, bound_) / highest);
    std::vector<double> raw{0.0};
    for (int k = 0; k < polynomials_; ++k) {
      for (int l = 0; l < coefficients(); ++l) {
        const double c = l == 0 ? std::sqrt((1 - min_slope_) / count) : small * direction(k, l);
        raw.push_back(c / (1 - std::abs(c) / limit));
      }
    }
    return raw;
  }
  std::vector<Exchangeable> exchangeable() const override {
    Exchangeable polynomials(static_cast<std::size_t>(polynomials_));
    for (int i = 0; i + 1 < parameters(); ++i) polynomials[static_cast<std::size_t>(i / coefficients())].push_back(1 + i);
    return {polynomials};
  }

  struct Prepared {
    Var<T> offset, coefficients;
  };
  Prepared prepare(autodiff::Tape<T>& tape, Var<T> raw, Index rows) const {
    const Index p = parameters();
    return {autodiff::broadcast_rows(tape, autodiff::part(tape, raw, {p, 0, 1}), rows),
            autodiff::broadcast_rows(tape, autodiff::softclip(tape, raw, {p, 1, p - 1}, limit), rows)};
  }
  Mapped<T> map(autodiff::Tape<T>& tape, Var<T> x, const Prepared& p) const {
    const Var<T> at = autodiff::clamp(tape, x, bound_);
    return autodiff::linear_tails(
        tape, x, autodiff::sum_of_squares(tape, quadrature_, bound_, min_slope_, at, p.offset, p.coefficients), bound_, 0.0);
  }

 private:
  static constexpr double limit = 10;  // of a coefficient: slopes stay below polynomials·(10·(degree + 1))²
  int coefficients() const { return static_cast<int>(quadrature_.nodes.size()); }
  autodiff::Quadrature quadrature_;
  int polynomials_;
  double bound_, min_slope_;
};

}  // namespace

UnivariateEntry sum_of_squares_univariate() {
  return univariate_entry<SumOfSquares>(
      "sum_of_squares", {R"({"type": "sum_of_squares"})",
                         R"({"type": "sum_of_squares", "degree": 2, "polynomials": 2, "bound": 3, "direction": "sampling"})"});
}

}  // namespace flowfit::transforms
