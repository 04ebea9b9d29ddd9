// The normalization of a density of many columns, by means of ratios of densities over samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/parallel.h"
#include "flow/model.h"

namespace flowfit::flow {

/// An estimate of a total mass, 1 for a density.
struct Mass {
  double value = 0, error = 0;  ///< and its standard error
  double effective = 0;         ///< sample size of equal weights that the ratios are worth: (Σ r)² / Σ r²
  double beyond = 0;            ///< share of the mass where the ratio is too large to be averaged, counted instead
  std::size_t rows = 0;
};

/// p's mass by samples of a wider q, and q's mass by samples of p for a narrower q: mean p/q over q, mean q/p over p. The first sees a score that is not that of a
/// density, the second one that is not that of the samples. q is a mixture fitted to other samples of p (of multivariate t: wider; of normals: narrower).
struct Importance {
  Mass wider, narrower;
};
Importance importance(const Model& model, const std::vector<double>& context, core::ThreadPool& pool, std::uint64_t seed = 0);

}  // namespace flowfit::flow
