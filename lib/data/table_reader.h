// Rows of a table, whatever its format: the interface, and the opening of a file by its content.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/columns.h"
#include "data/input.h"

namespace flowfit::data {

/// Some consecutive rows of a table.
struct TableRows {
  Columns columns;                 ///< one vector for each selected field, in the order of the selection
  std::vector<std::string> lines;  ///< with keep_text: the row's own text, without its line end
  std::size_t count = 0;
};

/// The texts of a column of categories; a cell is read as its text's place in the list. No texts and not open: a column of numbers.
struct Categories {
  std::vector<std::string> texts = {};
  bool open = false;  ///< a text that is not in the list is added to it, else it is a bad cell
  std::map<std::string, std::size_t, std::less<>> index = {};  ///< of the texts; the reader keeps it

  bool numbers() const { return texts.empty() && !open; }
  /// Nothing for a missing value (see `is_missing`, `may_be_category`), and for a text that is not in a list that is not open.
  std::optional<std::size_t> code(std::string_view text);
};

/// What to do with a row that has a cell that is not a finite number in a selected field: throw DataError; give NaN; leave the row
/// out; leave it out, or give NaN, when nothing is worse than a missing value (empty, NA, NaN, … see `is_missing`), else throw.
enum class BadCell { error, nan, skip, drop_missing, keep_missing };

/// Reads a table from the front to the end, in bounded memory.
class TableReader {
 public:
  TableReader() = default;
  virtual ~TableReader() = default;
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  virtual const std::string& name() const = 0;                 ///< for messages: the path, or `stdin`
  virtual const std::vector<std::string>& header() const = 0;  ///< the columns' names
  virtual const std::string& header_line() const = 0;          ///< the header's own text, without its line end
  virtual char delimiter() const { return ','; }               ///< between the fields of header_line() and of a row's text
  virtual std::size_t skipped() const = 0;                     ///< rows left out so far
  /// Rows of a `.npy` that stands in a file as it is; nothing for any other table.
  virtual std::optional<std::uint64_t> rows_in_place() const { return std::nullopt; }
  bool header_is_numeric() const;  ///< every name is a number: most likely the file has no header

  /// Chooses the fields to read (indices into header()); the others are only checked for structure. They are numbers, but for those with `categories`: none, or
  /// one for each of the fields. Blanks around a category do not count.
  virtual void select(std::vector<std::size_t> fields, BadCell bad = BadCell::error, std::vector<Categories> categories = {}) = 0;
  /// As selected, with the texts that were added.
  virtual const std::vector<Categories>& categories() const = 0;

  /// Replaces `rows` by the next rows, at most `limit`, and returns their number: 0 only at the end. Returns early with at
  /// least one row when the next byte is not there yet (a pipe that stalls), so that a caller can flush what it has.
  virtual std::size_t read(std::size_t limit, TableRows& rows) = 0;
};

struct ReadOptions {
  bool keep_text = false;
  char delimiter = 0;  ///< of the fields of a text; 0: a tab where the name ends in .tsv (or .tsv.gz, .tsv.zst), else a comma
  /// For a format without names: the first of these lists with as many names as there are columns names them, else x1 … xD.
  std::vector<std::vector<std::string>> names;
};

/// Opens a CSV or a `.npy`, plain or compressed by gzip or zstd, from a file or stdin ("-"). What it is follows from its first bytes.
std::unique_ptr<TableReader> open_table(const std::string& path, const ReadOptions& options = {});

}  // namespace flowfit::data
