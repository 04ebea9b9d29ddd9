// The columns of a model and the bijection between data units and the units the flow sees, in double.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/json.h"
#include "data/column.h"
#include "data/csv.h"

namespace flowfit::data {

/// encoded columns y → L⁻¹·y, with L·Lᵀ their correlation matrix over the rows that train (Cholesky's whitening): a column depends on those before it alone.
struct Whitening {
  std::vector<std::size_t> columns;  ///< places of the columns that it mixes, in their order; none: the identity
  std::vector<double> lower;         ///< L, row by row, diagonal included

  double entry(std::size_t i, std::size_t j) const { return lower[i * (i + 1) / 2 + j]; }
};

/// Modelled columns and the context they are conditioned on. All arithmetic in double, so that a change of unit moves no score.
struct Schema {
  std::vector<Column> columns = {}, context = {};
  Whitening whitening = {};

  /// Each column of its own (Column::fit), then the whitening of those that ask for it. `seen`: other rows of `columns`, whose limits are kept; none, or as many
  /// columns. Throws DataError as Column::fit does, and for a column that others determine (`whiten`).
  static Schema fit(const std::vector<ColumnSpec>& specs, const Columns& columns, const std::vector<ColumnSpec>& context_specs,
                    const Columns& context, const Columns& seen = {});

  std::vector<std::string> names() const;  ///< of the modelled columns
  std::vector<std::string> context_names() const;
  bool has(Kind kind) const;  ///< among the modelled columns

  /// Data units → flow units, in place; columns.size() == this->columns.size(). `log_det`, unless empty: log|d encoded / d data| of each row, −∞ for
  /// a row outside the limits. An integer is encoded as the number it is: add what is to be between k and k + 1 before.
  void encode(Columns& columns, std::span<double> log_det = {}) const;
  /// Back; `log_det`: that of encode, at each row.
  void decode(Columns& columns, std::span<double> log_det = {}) const;
  void encode_context(Columns& context) const;
  /// Decoded numbers as they are sampled: whole, and inside the limits of the data.
  void as_sampled(Columns& columns) const;
  /// The gradient by flow units of a sum over rows of (f + log_det of encode) → by data units, in place. `columns`: the rows, in data units.
  void pull_back(Columns& gradient, const Columns& columns) const;

  /// {"columns": [{"name", "loc", "scale"}, …], "context": […]}, other kinds as in docs/model-file.md. from_json throws ModelError with `where` for anything
  /// else (unknown or missing keys, scale ≤ 0, non-finite numbers, duplicate names).
  config::Json to_json() const;
  static Schema from_json(const config::Json& json, const std::string& where);
};

}  // namespace flowfit::data
