// Rows of a table matched to a model by the names of its columns, in chunks of bounded memory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"
#include "data/table_ahead.h"
#include "data/table_reader.h"
#include "data/table_writer.h"
#include "flow/model.h"

namespace flowfit::tables {

struct TableWish {
  bool modelled = true, context = true;  ///< which of the model's columns are needed
  data::BadCell bad = data::BadCell::error;
  bool ahead = false;      ///< read the next chunk while this one is worked on, on a thread of its own
  bool keep_text = false;  ///< all of the row goes on: columns that the model does not know are no surprise
  char delimiter = 0;      ///< see data::ReadOptions
  std::string weight;      ///< a column of weights; empty: none
  bool weight_optional = false;
};

class Table {
 public:
  /// Throws DataError for a column that is missing; a notice names the ones that the model does not use.
  Table(const std::string& path, const data::Schema& schema, TableWish wish = {});

  /// Reads the next chunk into `columns` and `context`; false at the end.
  bool read();
  std::size_t rows() const { return rows_.count; }
  bool stalled() const { return rows_.count < chunk_; }  ///< more may be long in coming: hand on what there is
  std::size_t total() const { return total_; }           ///< rows read so far, this chunk included
  const std::vector<std::string>& lines() const { return rows_.lines; }
  const data::TableReader& reader() const { return *reader_; }

  data::Columns columns, context;  ///< of the chunk, in the model's order; empty when not wished for
  std::vector<double> weights;     ///< of its rows; empty without a column of weights
  bool weighted() const { return weighted_; }

 private:
  std::shared_ptr<data::TableReader> reader_;
  std::optional<data::TableAhead> ahead_;
  data::TableRows rows_;
  bool weighted_ = false;
  std::size_t modelled_ = 0, chunk_ = 0, total_ = 0;
};

/// For a command that scores rows: missing cells stay for a model that takes them, and refuse_inexact is to look at each chunk.
data::BadCell bad_cells(const flow::Model& model);
void refuse_inexact(const Table& table, const flow::Model& model, const data::Columns& columns, const data::Columns& context);

/// For pictures: rows with a missing cell are left out, unless the model was trained where one is an error.
data::BadCell whole_rows(const flow::Model& model);
/// Says on standard error how many rows the reader has left out, if any.
void tell_skipped(const Table& table, std::string_view cell);

/// The word under `data.key` of a model's config; empty where there is none.
std::string data_word(const flow::Model& model, const std::string& key);

/// Rows in a chunk of `columns` columns: whole blocks for every thread, and at most some megabytes.
std::size_t chunk_rows(std::size_t columns);

/// Says so when the first row of a table is most likely data.
void warn_of_numeric_header(const std::vector<std::string>& header, const std::string& source);

/// Headings of numbers with these names.
std::vector<data::Heading> headings(const std::vector<std::string>& names);
/// Headings of values in the units of the data, as they stand in a table.
std::vector<data::Heading> headings(const std::vector<data::Column>& columns);

}  // namespace flowfit::tables
