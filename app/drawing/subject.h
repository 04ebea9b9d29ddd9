// What the pictures of a model are made of: some rows of a table, draws of the model, and the scores of both.
#pragma once

#include <string>
#include <vector>

#include "core/parallel.h"
#include "core/statistics.h"
#include "diagnostics/histogram.h"
#include "flow/model.h"

namespace flowfit::drawing {

/// At most so many rows are kept, and so many draws made: enough for smooth pictures, few enough for any table.
inline constexpr std::size_t most_rows = 10000, draw_count = 10000;

struct Subject {
  const flow::Model& model;
  core::ThreadPool& pool;

  std::string source;                ///< the table's name; empty: there is none
  std::size_t total = 0;             ///< rows of the table
  data::Columns rows, rows_context;  ///< the ones that are kept
  data::Columns draws,
      draws_context;  ///< draw_count of them; of a conditional model at the contexts of the rows, again and again
  core::Moments scores, gaussian, mixture;  ///< of all rows, by the model and its baselines, where `score_all`
  std::size_t outside = 0;                  ///< of them, those with density zero

  bool has_rows() const { return !source.empty(); }
  bool conditional() const { return !model.schema().context.empty(); }
  std::vector<double> score_rows() const;  ///< of the rows that are kept
  std::vector<double> score_draws() const;
  /// `1000 rows of data.csv`, or where fewer are drawn `2000 of 123456 rows of data.csv`
  std::string rows_text(std::size_t drawn = most_rows) const;
  /// `10000 draws of the model`, with their contexts
  std::string draws_text() const;
};

/// Whether the density can be drawn as a curve or a map: of one or two columns, without context, whole numbers or categories.
bool has_curve(const flow::Model& model);

/// A column as an axis: where most of its rows and draws lie, or its categories, from 0 on.
struct Axis {
  diagnostics::Range range;
  std::vector<std::string> names = {};
};
Axis axis_of(const Subject& subject, std::size_t column);

/// A table: its file ("" for none), and what separates its fields (data::ReadOptions).
struct Source {
  std::string file;
  char delimiter = 0;
};

/// Reads `table` (none only where the model is not conditional), and draws as `flowfit sample` does with its default seed. Throws DataError for a table without rows.
Subject gather(const flow::Model& model, const Source& table, bool score_all, core::ThreadPool& pool);

}  // namespace flowfit::drawing
