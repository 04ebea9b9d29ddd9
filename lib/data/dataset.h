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
  Columns columns;          ///< names.size() vectors of rows() values
  std::size_t dropped = 0;  ///< rows left out for a missing cell
  std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }

  /// The columns called `wanted`, in that order. Throws DataError for a missing one, with a did-you-mean.
  Columns pick(std::span<const std::string> wanted) const;
};

/// Index in `header` of each wanted name. Throws DataError `<source>: no column "x3"; did you mean "x2"?` (one message for all missing).
std::vector<std::size_t> locate(std::span<const std::string> wanted, std::span<const std::string> header,
                                const std::string& source);

/// Reads the wanted columns of a table, or all of them when `wanted` is empty. Throws DataError for no rows (`header only`).
Dataset read_dataset(const std::string& path, std::span<const std::string> wanted = {}, BadCell bad = BadCell::error,
                     const ReadOptions& options = {});

/// Fingerprint of parsed values and their order, not of the file's bytes: `crc32:<8 hex>/<rows>x<columns>`. −0 counts as 0.
std::string fingerprint(const Columns& columns);

}  // namespace flowfit::data
