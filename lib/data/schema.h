// The columns of a model and the bijection between data units and the units the flow sees, in double.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/json.h"
#include "core/random.h"
#include "data/column.h"
#include "data/columns.h"

namespace flowfit::data {

/// encoded columns y → L⁻¹·y, with L·Lᵀ their correlation matrix over the rows that train (Cholesky's whitening): a column depends on those before it alone.
struct Whitening {
  std::vector<std::size_t> columns;  ///< places of the columns that it mixes, in their order; none: the identity
  std::vector<double> lower;         ///< L, row by row, diagonal included

  double entry(std::size_t i, std::size_t j) const { return lower[i * (i + 1) / 2 + j]; }
};

/// One of the points whose densities, by their weights, add up to the score of a row that stands for more than a point: a whole number for the cell up to the
/// next one, a place on a circle for its turns. Both are empty, or have a number to add for each column.
struct CellPoint {
  double weight = 1.0;
  std::vector<double> data = {};     ///< before the row is encoded
  std::vector<double> encoded = {};  ///< afterwards
};

/// Modelled columns and the context they are conditioned on. All arithmetic in double, so that a change of unit moves no score.
struct Schema {
  std::vector<Column> columns = {}, context = {};
  Whitening whitening = {};

  /// Each column of its own (Column::fit), then the whitening of those that ask for it. `seen`: other numbers of the columns and then of the context, whose limits
  /// are kept; none, or a vector for each. Throws DataError as Column::fit does, and for a column that others determine (`whiten`).
  static Schema fit(const std::vector<ColumnSpec>& specs, const Columns& columns, const std::vector<ColumnSpec>& context_specs,
                    const Columns& context, const Columns& seen = {});

  std::vector<std::string> names() const;  ///< of the modelled columns
  std::vector<std::string> context_names() const;
  bool has(Kind kind) const;  ///< among the modelled columns
  bool has_cells() const;     ///< rows stand for more than a point: there are cell_points

  /// Data units → flow units, in place; data.size() == columns.size(). `log_det`, unless empty: log|d encoded / d data| of each row, −∞ for
  /// a row outside the limits; of a row with missing cells (NaN, which they stay) that of the others, where there is no whitening. An integer is encoded as the number it is: add what is to be between k and k + 1 before.
  void encode(Columns& data, std::span<double> log_det = {}) const;
  /// Back; `log_det`: that of encode, at each row.
  void decode(Columns& data, std::span<double> log_det = {}) const;
  void encode_context(Columns& data) const;
  /// Decoded numbers as they are sampled: whole, and inside the limits of the data.
  void as_sampled(Columns& data) const;
  /// The same points for every row; none where each row is its own point. Whole numbers: `count` points of one quasi-random sequence over their cells together.
  /// Circles: the row itself, and one turn of each to either side.
  std::vector<CellPoint> cell_points(std::size_t count) const;
  /// Moves whole numbers to the middles of their cells.
  void to_middle(Columns& data) const;
  /// Adds the uniforms of `key`, each row's own by its number from `first` on, to whole numbers.
  void dequantize(Columns& data, const core::RandomKey& key, std::uint64_t first = 0) const;
  /// The gradient by flow units of a sum over rows of (f + log_det of encode) → by data units, in place. `rows`: in data units.
  void pull_back(Columns& gradient, const Columns& rows) const;

  /// {"columns": [{"name", "loc", "scale"}, …], "context": […]}, other kinds as in docs/model-file.md. from_json throws ModelError with `where` for anything
  /// else (unknown or missing keys, scale ≤ 0, non-finite numbers, duplicate names).
  config::Json to_json() const;
  static Schema from_json(const config::Json& json, const std::string& where);
};

}  // namespace flowfit::data
