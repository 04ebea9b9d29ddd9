// Where a model is looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "flow/model.h"

namespace flowfit::flow {

/// Rows to look at: their context, and for each column the scale that errors and distances are told in.
struct Places {
  data::Columns rows, context;
  std::vector<double> scales;
  /// For each cell the length to move it by in place of that: shorter where preprocessing stretches, as it does a pile of ties beside a long tail.
  data::Columns lengths = {};

  Places first(std::size_t count) const;  ///< the first `count` of them, or all
  Places only(std::size_t row) const;
};

/// Contexts like those of the training: normal in the units the flow sees, up to two deviations away; of categories each as likely.
data::Columns draw_context(const data::Schema& schema, std::size_t rows, std::uint64_t seed);

}  // namespace flowfit::flow
