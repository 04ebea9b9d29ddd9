// The integral of a model's density in one or two columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/parallel.h"
#include "flow/model.h"

namespace flowfit::flow {

struct Integral {
  double value = 0;
  double error = 0;               ///< estimate of the quadrature's error
  std::vector<double> low, high;  ///< the box
  std::size_t points = 0;
};

/// The integral of exp(log_prob) over a box that holds nearly all of a sample, given one row of context (or none). One or two columns.
Integral integrate(const Model& model, const std::vector<double>& context, core::ThreadPool& pool, std::uint64_t seed = 0);

}  // namespace flowfit::flow
