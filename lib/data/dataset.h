// A table of named columns of doubles, read from a file by name: in memory, or left in its file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/npy_rows.h"
#include "data/table_reader.h"

namespace flowfit::data {

struct Dataset {
  std::string source;  ///< where it came from, for messages
  std::vector<std::string> names;
  Columns columns;                                   ///< names.size() vectors of rows() values; none where `file` has them
  std::vector<std::vector<std::string>> texts = {};  ///< of the categories of each column; none for numbers
  std::size_t dropped = 0;                           ///< rows left out for a missing cell
  std::shared_ptr<const NpyRows> file = {};          ///< of a table that stays there: then only `read` gives its values
  std::vector<std::uint32_t> kept = {};              ///< with `file`: its rows that were not left out, or none for all

  std::size_t rows() const;
  /// The columns called `wanted`, in that order, of a table in memory. Throws DataError for a missing one, with a did-you-mean.
  Columns pick(std::span<const std::string> wanted) const;
  /// Replaces `to` by the values of some rows in the columns at `places`, a vector for each column.
  void read(std::span<const std::size_t> places, std::span<const std::uint32_t> rows, Columns& to) const;
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
  /// Leave a `.npy` in its file (not a compressed one, and no pipe) when the wanted columns of its rows would take more bytes than this.
  std::uint64_t most_bytes = UINT64_MAX;
};

/// Reads a selection of a table. Categories are sorted, numbers by size, other texts by their bytes; with `like` they are those of that table, and another text
/// is an error. Throws DataError for no rows (`header only`), and for more than 1000 categories in a column.
Dataset read_dataset(const std::string& path, const Selection& selection = {}, const ReadOptions& options = {},
                     const Dataset* like = nullptr);

/// Fingerprint of parsed values and their order, not of the file's bytes: that of the columns one after the other. −0 counts as 0, and a missing
/// cell (NaN) as any other.
class Fingerprint {
 public:
  /// The next rows: always as many columns.
  void add(const Columns& rows);
  std::string text() const;  ///< `crc32:<8 hex>/<rows>x<columns>`

 private:
  std::vector<std::uint32_t> columns_;
  std::size_t rows_ = 0;
};

}  // namespace flowfit::data
