// What the "data" object of a config says, and the parts of "train" that shape a model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/node.h"
#include "data/column.h"

namespace flowfit::flow {

/// What a missing cell does: it is an error; its row is left out; its row counts by the density of its other cells.
enum class Missing { error, drop, marginalize };

struct Settings {
  std::vector<std::string> columns, context;                  ///< names
  std::vector<data::ColumnSpec> column_specs, context_specs;  ///< of the same
  std::vector<std::string> ignored;                           ///< columns of the data that are left alone, whatever they hold
  int integer_points = 32;                                    ///< at which a row's cell is scored, with columns of whole numbers
  double validation = 0.1;                                    ///< share of the rows held out; 0: none
  Missing missing = Missing::error;                           ///< a missing cell of a modelled column
  std::string weight;                                         ///< the column of the rows' weights; empty: none
  bool float64 = false;
  int ensemble = 1;  ///< members
  std::uint64_t seed = 0;

  /// Reads an expanded config's root. `header`: the data's column names where there is data: `columns` then defaults to all that are not
  /// context, and names are checked against it (core::DataError). Records config errors.
  static Settings read(const config::Node& root, std::optional<std::span<const std::string>> header);
};

}  // namespace flowfit::flow
