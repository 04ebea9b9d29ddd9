// Filling missing cells by draws from their distribution given the cells that are there.
#pragma once

#include <cstdint>
#include <span>

#include "core/parallel.h"
#include "flow/model.h"

namespace flowfit::flow {

/// How rows were filled.
struct Imputed {
  std::size_t cells = 0, exact_rows = 0, resampled_rows = 0;
  /// Of the resampled rows: Σ and least of (Σ w)² / Σ w², the number of equally weighted candidates that a row's candidates are worth.
  double effective_sum = 0, effective_least = 0;
};

/// Replaces the NaN cells of `columns` (n rows, data units); context cells must be there. Where no column that is there looks at a missing one (Conditionals), the
/// base points of the missing columns are drawn and decoded: an exact draw. Else one of `candidates` draws of the mixture baseline given the row's cells is
/// taken, by importance weights (sampling importance resampling: Rubin 1987). `first`: number of the first row; a row's draws depend on seed and number alone.
/// Throws ConfigError where candidates are wanted and the model has no baseline, DataError for a row whose density is zero whatever is filled in; `source`: what it is a row of.
Imputed impute(const Model& model, data::Columns& columns, const data::Columns& context, std::uint64_t first, std::uint64_t seed,
               int candidates, core::ThreadPool& pool, const std::string& source = "the table");

}  // namespace flowfit::flow
