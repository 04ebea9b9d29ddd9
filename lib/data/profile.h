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
  std::size_t distinct = 0;        ///< values that differ, at most `most_distinct`
  std::string text;                ///< the first cell that is not a finite number; empty: all are numbers
  bool whole = false;              ///< numbers without a fraction, none beyond 2^53
  bool counts_up = false;          ///< whole, each row's number one more than that of the row before
  double low = 0, high = 0;        ///< the outermost numbers
  double at_low = 0, at_high = 0;  ///< shares of the numbers that equal them
  bool numbers() const { return text.empty() && present > 0; }
};

struct TableProfile {
  std::string source;
  std::vector<ColumnProfile> columns;
  std::size_t rows = 0;
};

/// Reads a whole table in bounded memory. Throws as `open_table` and its reader do, and DataError for no rows.
TableProfile profile(const std::string& path, const ReadOptions& options = {});

}  // namespace flowfit::data
