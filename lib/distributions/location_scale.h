// What the bases of independent columns with a learned location and scale have in common.
#pragma once

#include <algorithm>
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "distributions/distribution.h"
#include "distributions/draws.h"

namespace flowfit::distributions {

/// z = loc + e^log_scale·s in each column, s in a standard form. Parameters: `loc` (D), `log_scale` (D), set from the quartiles of the data; with
/// "learn": false there are none, and z is s.
template <class T>
class LocationScale : public Distribution<T> {
 public:
  Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T>) const override {
    if (!learns_) return standard_log_prob(pass, z);
    const nn::Mapped<T> s = autodiff::scale_shift(pass.tape, z, pass.parameter(log_scale_), pass.parameter(loc_), true);
    return autodiff::add(pass.tape, standard_log_prob(pass, s.value), s.log_det);
  }
  Var<T> sample(Pass<T>& pass, Index rows, Var<T>, const core::RandomKey& key) const override {
    double* scale = pass.tape.template scratch<double>(features_);
    double* loc = pass.tape.template scratch<double>(features_);
    const T *locs = learns_ ? pass.parameter(loc_).value : nullptr,
            *log_scales = learns_ ? pass.parameter(log_scale_).value : nullptr;
    for (Index d = 0; d < features_; ++d) {
      loc[d] = learns_ ? static_cast<double>(locs[d]) : 0.0;
      scale[d] = learns_ ? std::exp(static_cast<double>(log_scales[d])) : 1.0;
    }
    return draws(pass, rows, features_, [&](std::uint64_t row, std::span<double> out) {
      standard_draws(pass, row, out, key);
      for (Index d = 0; d < features_; ++d)
        out[static_cast<std::size_t>(d)] = loc[d] + scale[d] * out[static_cast<std::size_t>(d)];
    });
  }

  bool needs_initialize() const override { return learns_; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey&) const override {
    // Quartiles, where a far row of a heavy tail has no say.
    for (Index d = 0; d < features_; ++d) {
      std::vector<double> column;
      for (const T v : rows.subspan(static_cast<std::size_t>(d * n), static_cast<std::size_t>(n)))
        if (std::isfinite(v)) column.push_back(static_cast<double>(v));
      if (column.empty()) continue;
      std::ranges::sort(column);
      const auto quantile = [&](double q) {
        return column[static_cast<std::size_t>(q * static_cast<double>(column.size() - 1))];
      };
      const double low = quantile(0.25), middle = quantile(0.5), high = quantile(0.75);
      const auto [standard_low, standard_middle, standard_high] = quartiles();
      const double scale = high > low ? (high - low) / (standard_high - standard_low) : 1.0;
      parameters[static_cast<std::size_t>(loc_.offset + d)] = static_cast<T>(middle - scale * standard_middle);
      parameters[static_cast<std::size_t>(log_scale_.offset + d)] = static_cast<T>(std::log(scale));
    }
  }

 protected:
  struct Quartiles {
    double low, middle, high;
  };
  LocationScale(const config::Node& node, const Build& build) : features_(build.features), learns_(node.boolean("learn", true)) {
    if (!learns_) return;
    loc_ = build.layout.vector(build.name + ".loc", {build.features}, nn::zeros());
    log_scale_ = build.layout.vector(build.name + ".log_scale", {build.features}, nn::zeros());
  }
  Index features() const { return features_; }

  virtual Var<T> standard_log_prob(Pass<T>& pass, Var<T> s) const = 0;
  /// D draws of the standard form.
  virtual void standard_draws(Pass<T>& pass, std::uint64_t row, std::span<double> out, const core::RandomKey& key) const = 0;
  /// Of the standard form, roughly: a start.
  virtual Quartiles quartiles() const = 0;

 private:
  Index features_;
  bool learns_;
  nn::Slot loc_, log_scale_;
};

/// The same where the standard form has an inverse distribution function in closed form: one draw a column.
template <class T>
class ByQuantile : public LocationScale<T> {
 protected:
  using LocationScale<T>::LocationScale;
  void standard_draws(Pass<T>&, std::uint64_t row, std::span<double> out, const core::RandomKey& key) const final {
    key.uniforms(row, out);
    for (double& u : out) u = quantile(u);
  }
  typename LocationScale<T>::Quartiles quartiles() const final { return {quantile(0.25), quantile(0.5), quantile(0.75)}; }

 private:
  virtual double quantile(double u) const = 0;
};

}  // namespace flowfit::distributions
