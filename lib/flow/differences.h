// A model's log-determinants and gradients against differences of what it computes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "flow/model.h"
#include "flow/places.h"

namespace flowfit::flow {

/// Largest |log_det − log|det of encode's Jacobian by central differences|| over the first `count` rows, in nats.
double log_det_difference(const Model& model, const Places& at, std::size_t count, core::ThreadPool& pool);

/// Largest |difference − gradient| / (1 + |gradient|) of a row's score along random directions of its cells.
double row_gradient_difference(const Model& model, const Places& at, core::ThreadPool& pool, std::uint64_t seed);

/// The same along a random direction of each parameter tensor; `where`: the one that is off most.
struct ParameterDifference {
  double value = 0;
  std::string where;
  std::size_t tensors = 0;
};
ParameterDifference parameter_gradient_difference(const Model& model, const Places& at, core::ThreadPool& pool,
                                                  std::uint64_t seed);

/// A NaN counts as infinitely wrong.
void raise_to(double& worst, double value);

}  // namespace flowfit::flow
