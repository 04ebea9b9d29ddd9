// Probe vectors of a trace's estimate: fixed ones for scores, random ones in training.
#pragma once

#include <cmath>
#include <vector>

#include "autodiff/ops/jet.h"
#include "transforms/transform.h"

namespace flowfit::transforms {

/// tr A ≈ scale · Σ_k v_k·A·v_k (Hutchinson). Scores use K orthonormal vectors drawn once, by the seed and the layer's place, the same for every row: exact for
/// K = D. Training draws K normal vectors for each row and step: unbiased.
template <class T>
class Probes {
 public:
  Probes() = default;
  /// Reads "probes" (1), at most D.
  Probes(const config::Node& node, const Build& build)
      : features_(build.features),
        count_(node.integer("probes", 1, 1, std::max(build.features, 1))),
        draws_(build.layout.reserve_draws(Index{count_} * features_)) {
    const auto n = static_cast<std::size_t>(features_);
    std::vector<std::vector<double>> all;
    for (int k = 0; k < count_; ++k) {
      std::vector<double> v(n);
      core::RandomKey{build.seed, core::Purpose::estimate, build.place}.normals((1ull << 48) + static_cast<std::uint64_t>(k), v);
      // Twice, so that rounding leaves nothing of the earlier ones.
      for (int round = 0; round < 2; ++round) {
        for (const std::vector<double>& u : all) {
          double along = 0;
          for (std::size_t d = 0; d < n; ++d) along += u[d] * v[d];
          for (std::size_t d = 0; d < n; ++d) v[d] -= along * u[d];
        }
        double square = 0;
        for (const double e : v) square += e * e;
        for (double& e : v) e /= std::sqrt(square);
      }
      for (const double e : v) fixed_.push_back(static_cast<T>(e));
      all.push_back(std::move(v));
    }
  }

  int count() const { return count_; }
  T scale(const Pass<T>& pass) const { return (random(pass) ? T(1) : static_cast<T>(features_)) / static_cast<T>(count_); }
  /// K·B x D, no gradient.
  Var<T> tangents(Pass<T>& pass, Index rows) const {
    if (!random(pass)) return autodiff::probe_tangents<T>(pass.tape, rows, features_, fixed_.data(), count_);
    const Var<T> v = pass.tape.make(count_ * rows, features_, false);
    double* row = pass.tape.template scratch<double>(Index{count_} * features_);
    const core::RandomKey key{pass.seed, core::Purpose::estimate, pass.step};
    for (Index i = 0; i < rows; ++i) {
      key.normals(pass.rows[i], {row, static_cast<std::size_t>(count_ * features_)}, draws_);
      for (Index k = 0; k < count_; ++k)
        for (Index d = 0; d < features_; ++d) v.value[d * v.rows + k * rows + i] = static_cast<T>(row[k * features_ + d]);
    }
    return v;
  }

 private:
  static bool random(const Pass<T>& pass) { return pass.training && pass.rows; }
  int features_ = 0, count_ = 0;
  std::uint32_t draws_ = 0;
  std::vector<T> fixed_;  // K x D, row by row
};

}  // namespace flowfit::transforms
