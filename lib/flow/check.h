// Numbers that show whether a model's density is one: round trip, log-determinant, integral.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/parallel.h"
#include "flow/model.h"

namespace flowfit::flow {

/// A figure of a check, and the most it may be.
struct Figure {
  double value = 0, limit = 0;
  bool ok() const { return value <= limit; }  ///< false for NaN
};

struct Integral {
  double value = 0;
  double error = 0;               ///< estimate of the quadrature's error
  std::vector<double> low, high;  ///< the box
  std::size_t points = 0;
  Figure off;  ///< |value − 1|
};

struct ModelCheck {
  std::size_t rows = 0, log_det_rows = 0;
  Figure round_trip;  ///< largest |decode(encode(x)) − x| of a cell, relative to the larger of |x| and the column's scale
  Figure log_det;     ///< largest |log_det − log|det of the Jacobian by central differences||, absolute, in nats
  std::optional<Integral> integral;  ///< of the density, for one or two columns; of several contexts the worst
  bool ok() const { return round_trip.ok() && log_det.ok() && (!integral || integral->off.ok()); }
};

/// Checks a model at rows drawn from it (and, where it is conditional, at contexts drawn around the ones it was trained with). Give a model
/// loaded `in_double`: differences of float32 scores show nothing.
ModelCheck check_model(const Model& model, core::ThreadPool& pool, std::uint64_t seed = 0);

/// The integral of exp(log_prob) over a box that holds nearly all of a sample, given one row of context (or none). One or two columns.
Integral integrate(const Model& model, const std::vector<double>& context, core::ThreadPool& pool, std::uint64_t seed = 0);

}  // namespace flowfit::flow
