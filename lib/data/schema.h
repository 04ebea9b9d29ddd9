// The columns of a model and the bijection between data units and the units the flow sees, in double.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/json.h"
#include "data/csv.h"

namespace flowfit::data {

/// encoded = (x − loc) / scale
struct Column {
  std::string name;
  double loc = 0.0;
  double scale = 1.0;  ///< > 0
};

/// Modelled columns and the context they are conditioned on. All arithmetic in double, so that a change of unit moves no score.
struct Schema {
  std::vector<Column> columns, context;

  /// `preprocess`: "none", or "standardize" (mean and standard deviation, divisor n, of the rows given, by a two-pass sum). Throws
  /// DataError naming a constant column (`column "x3" is constant (7); remove it from data.columns`) or fewer than two rows.
  static Schema fit(std::string_view preprocess, const std::vector<std::string>& names, const Columns& columns,
                    const std::vector<std::string>& context_names, const Columns& context);

  std::vector<std::string> names() const;  ///< of the modelled columns
  std::vector<std::string> context_names() const;

  void encode(Columns& columns) const;  ///< data units → flow units, in place; columns.size() == this->columns.size()
  void decode(Columns& columns) const;  ///< back
  void encode_context(Columns& context) const;
  double log_abs_det_jacobian() const;  ///< log|d encoded / d data| of a row: −Σ log scale over the modelled columns

  /// {"columns": [{"name", "loc", "scale"}, …], "context": […]}. from_json throws ModelError with `where` for anything else
  /// (unknown or missing keys, scale ≤ 0, non-finite numbers, duplicate names).
  config::Json to_json() const;
  static Schema from_json(const config::Json& json, const std::string& where);
};

}  // namespace flowfit::data
