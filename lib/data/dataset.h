// A table in memory: named columns of doubles, read from a file by name.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/table_reader.h"

namespace flowfit::data {

struct Dataset {
  std::string source;  ///< where it came from, for messages
  std::vector<std::string> names;
  Columns columns;                                   ///< names.size() vectors of rows() values
  std::vector<std::vector<std::string>> texts = {};  ///< of the categories of each column; none for numbers
  std::size_t dropped = 0;                           ///< rows left out for a missing cell
  std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }

  /// The columns called `wanted`, in that order. Throws DataError for a missing one, with a did-you-mean.
  Columns pick(std::span<const std::string> wanted) const;
  /// The texts of a column's categories. Throws as `pick`.
  const std::vector<std::string>& categories(const std::string& name) const;
};

/// Index in `header` of each wanted name. Throws DataError `<source>: no column "x3"; did you mean "x2"?` (one message for all missing).
std::vector<std::size_t> locate(std::span<const std::string> wanted, std::span<const std::string> header,
                                const std::string& source);

/// What to read of a table.
struct Selection {
  std::vector<std::string> wanted = {};       ///< columns; all but the ignored ones when there are none
  std::vector<std::string> ignored = {};      ///< columns that may hold anything
  std::vector<std::string> categorical = {};  ///< of the wanted ones, those of categories
  BadCell bad = BadCell::error;
};

/// Reads a selection of a table. Categories are sorted, numbers by size, other texts by their bytes; with `like` they are those of that table, and another text
/// is an error. Throws DataError for no rows (`header only`), and for more than 1000 categories in a column.
Dataset read_dataset(const std::string& path, const Selection& selection = {}, const ReadOptions& options = {},
                     const Dataset* like = nullptr);

/// Fingerprint of parsed values and their order, not of the file's bytes: `crc32:<8 hex>/<rows>x<columns>`. −0 counts as 0.
std::string fingerprint(const Columns& columns);

}  // namespace flowfit::data
