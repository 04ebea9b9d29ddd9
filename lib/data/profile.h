// What the columns of a table look like: numbers or texts, whole, tied; the facts from which a kind is advised.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/table_reader.h"

namespace flowfit::data {

/// Distinct values are counted up to here, one more than a column of categories may have.
constexpr std::size_t most_distinct = 1001;

/// One column over all rows; a missing cell (see `is_missing`) counts in `missing` and nowhere else.
struct ColumnProfile {
  std::string name;
  std::size_t present = 0, missing = 0;
  std::size_t distinct = 0;  ///< of a column of numbers those that differ, else the texts; at most `most_distinct`
  std::size_t texts = 0;     ///< texts that differ, numbers or not, at most `most_distinct`
  std::string text;          ///< the first cell that is not a finite number; empty: all are numbers
  std::size_t words = 0;     ///< how many are not
  std::size_t word_row = 0;  ///< of the first, from 1
  // Of the numbers alone:
  bool whole = false;                         ///< without a fraction, none beyond 2^53
  bool counts_up = false;                     ///< whole, each row's number one more than that of the row before
  double low = 0, high = 0;                   ///< the outermost numbers
  std::size_t low_count = 0, high_count = 0;  ///< how many equal them
  /// One word among twenty cells or more is most likely a slip, not a category.
  bool numbers() const { return present > 0 && 20 * words <= present; }
};

struct TableProfile {
  std::string source;
  std::vector<ColumnProfile> columns;
  std::size_t rows = 0;
};

/// Reads a whole table in bounded memory. Throws as `open_table` and its reader do, and DataError for no rows.
TableProfile profile(const std::string& path, const ReadOptions& options = {});

}  // namespace flowfit::data
