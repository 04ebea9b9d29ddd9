// von_mises: independent angles in [−π, π), gathered around a learned direction. A score outside is −inf.
//
// log p = κ·cos(z − loc) − log(2π I₀(κ)). Sampling: Best, Fisher, "Efficient simulation of the von Mises distribution", Applied Statistics 28, 1979; attempt a
// of column d has draws of its own, so that a row's result does not depend on how often others were refused. Parameters: `loc` (D) and `log_concentration`
// (D, log κ), the latter unless "concentration" is given.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "autodiff/ops/densities.h"
#include "autodiff/ops/elementwise.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"

namespace flowfit::distributions {
namespace {

/// One angle around 0. `uniforms(attempt, u)` fills three.
template <class Uniforms>
double best_fisher(double concentration, Uniforms uniforms) {
  // The envelope is a wrapped Cauchy; r − 1 and 1 − f are kept instead of r and f, which lose their digits where κ is large.
  const double s = std::sqrt(1 + 4 * concentration * concentration), tau = 1 + s;
  const double rho = std::sqrt(tau) * 2 * concentration / (tau * (std::sqrt(tau) + std::numbers::sqrt2));
  const double r_less_1 = (1 - rho) * (1 - rho) / (2 * rho);
  double from_1 = 0;  // 1 − f, f = cos of the angle
  double u[3] = {0.5, 0.5, 0.5};
  constexpr std::uint32_t most_attempts = 200;  // one in three is refused at worst
  for (std::uint32_t attempt = 0; attempt < most_attempts; ++attempt) {
    uniforms(attempt, std::span<double>(u));
    const double z = std::cos(std::numbers::pi * u[0]), square = std::sin(std::numbers::pi * u[0] / 2);
    from_1 = r_less_1 * 2 * square * square / (r_less_1 + 1 + z);
    const double c = concentration * (r_less_1 + from_1);
    if (c * (2 - c) > u[1] || std::log(c / u[1]) + 1 - c >= 0) break;
  }
  const double angle = 2 * std::asin(std::min(1.0, std::sqrt(from_1 / 2)));
  return u[2] < 0.5 ? -angle : angle;
}

template <class T>
class VonMises final : public Distribution<T> {
 public:
  VonMises(const config::Node& node, const Build& build)
      : features_(build.features),
        concentration_(node.number_or_null("concentration", std::nullopt, {.low = least, .high = most})),
        loc_(build.layout.vector(build.name + ".loc", {build.features}, nn::zeros())) {
    if (!concentration_)
      log_concentration_ = build.layout.vector(build.name + ".log_concentration", {build.features}, nn::zeros());
  }

  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override {
    return autodiff::von_mises_log_prob(pass.tape, z, pass.parameter(loc_),
                                        concentration_
                                            ? autodiff::constant(pass.tape, 1, z.cols, static_cast<T>(std::log(*concentration_)))
                                            : pass.parameter(log_concentration_));
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    const T *locs = pass.parameter(loc_).value, *logs = concentration_ ? nullptr : pass.parameter(log_concentration_).value;
    return draws(pass, rows, features_, [&](std::uint64_t row, std::span<double> out) {
      const std::uint32_t columns = static_cast<std::uint32_t>(out.size());
      for (std::uint32_t d = 0; d < columns; ++d) {
        const double concentration = concentration_ ? *concentration_ : std::max(std::exp(static_cast<double>(logs[d])), 1e-9);
        const double angle =
            static_cast<double>(locs[d]) + best_fisher(concentration, [&](std::uint32_t attempt, std::span<double> u) {
              key.uniforms(row, u, 4 * (attempt * columns + d));
            });
        out[d] = angle - 2 * std::numbers::pi * std::floor((angle + std::numbers::pi) / (2 * std::numbers::pi));
      }
    });
  }
  std::pair<double, double> support() const override { return {-std::numbers::pi, std::numbers::pi}; }

  bool needs_initialize() const override { return true; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey&) const override {
    for (Index d = 0; d < features_; ++d) {
      double cosine = 0, sine = 0;
      for (const T v : rows.subspan(static_cast<std::size_t>(d * n), static_cast<std::size_t>(n))) {
        if (!std::isfinite(v)) continue;
        cosine += std::cos(static_cast<double>(v)) / static_cast<double>(n);
        sine += std::sin(static_cast<double>(v)) / static_cast<double>(n);
      }
      // Banerjee et al., JMLR 6, 2005, eq. 4.4: I₁/I₀ turned around, nearly.
      const double length = std::min(std::hypot(cosine, sine), 1.0 - 1e-9), square = length * length;
      const double concentration = std::clamp(length * (2 - square) / (1 - square), least, most);
      parameters[static_cast<std::size_t>(loc_.offset + d)] = static_cast<T>(std::atan2(sine, cosine));
      if (!concentration_)
        parameters[static_cast<std::size_t>(log_concentration_.offset + d)] = static_cast<T>(std::log(concentration));
    }
  }

 private:
  static constexpr double least = 1e-3, most = 1e6;
  Index features_;
  std::optional<double> concentration_;  // none: learned
  nn::Slot loc_, log_concentration_;
};

}  // namespace

DistributionEntry von_mises_distribution() {
  return distribution_entry<VonMises>("von_mises",
                                      {{R"({"type": "von_mises"})"}, {R"({"type": "von_mises", "concentration": 20})"}});
}

}  // namespace flowfit::distributions
