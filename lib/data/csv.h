// Strict CSV (RFC 4180): a streaming reader of numbers whose errors say file:line:column, and the header's names.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowfit::data {

/// D columns of n numbers each: the form in which tables enter and leave the library (always double).
using Columns = std::vector<std::vector<double>>;

/// Some consecutive rows of a CSV.
struct CsvRows {
  Columns columns;                 ///< one vector for each selected field, in the order of the selection
  std::vector<std::string> lines;  ///< with keep_text: the record's own text, without its line end
  std::size_t count = 0;
};

/// The texts of a column of categories; a cell is read as its text's place in the list. No texts and not open: a column of numbers.
struct Categories {
  std::vector<std::string> texts = {};
  bool open = false;  ///< a text that is not in the list is added to it, else it is a bad cell
  std::map<std::string, std::size_t, std::less<>> index = {};  ///< of the texts; the reader keeps it

  std::optional<std::size_t> code(std::string_view text);
};

/// What to do with a cell that is not a finite number in a selected field.
enum class BadCell { error, nan, skip };  ///< throw DataError; give NaN; leave the row out

/// Reads a CSV with a header row from a file or stdin ("-") in bounded memory, whatever its length.
///
/// RFC 4180: comma, quoted fields with doubled quotes and line breaks inside; LF or CRLF; a UTF-8 byte order mark, a missing final
/// newline and trailing blank lines are accepted. Errors (core::DataError, `file:line:column: expected …, got "…"; hint`): a
/// selected cell that is not a finite number (empty cells and NA, NaN, inf, 1e400, dates and decimal commas get their own hints), a row
/// shorter or longer than the header (`file:line: expected N fields, got M`), an unclosed quote (names the line it opened),
/// text after a closing quote, lone CR line ends, NUL bytes, UTF-16, a field beyond 1 MB, an empty file, duplicate or empty
/// column names, a header of a single field that contains `;` or a tab (hint: the delimiter). IoError when the system fails to read.
/// Also refused: a header that is not UTF-8, a quote inside an unquoted field, a row beyond 16 MB. Blanks around an unquoted column
/// name are dropped. A blank line with more lines after it is an error, or an empty cell where the table has a single column.
/// Lines (of a record: its first) and columns count from 1; a column is the field's number, then its name: `data.csv:7:2 (x2): …`.
class CsvReader {
 public:
  explicit CsvReader(const std::string& path, bool keep_text = false);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  const std::string& name() const;  ///< for messages: the path, or `stdin`
  const std::vector<std::string>& header() const;
  const std::string& header_line() const;  ///< the header's own text, without its line end
  bool header_is_numeric() const;          ///< every name is a number: most likely the file has no header
  std::size_t skipped() const;             ///< rows left out so far by BadCell::skip

  /// Chooses the fields to parse as numbers (indices into header()); the others are only checked for structure. `categories`: none, or one for each
  /// of the fields. Blanks around a category do not count, and an empty cell is a bad one.
  void select(std::vector<std::size_t> fields, BadCell bad = BadCell::error, std::vector<Categories> categories = {});
  /// As selected, with what was added.
  const std::vector<Categories>& categories() const;

  /// Replaces `rows` by the next rows, at most `limit`, and returns their number: 0 only at the end. Returns early with at
  /// least one row when the next byte is not there yet (a pipe that stalls), so that a caller can flush what it has.
  std::size_t read(std::size_t limit, CsvRows& rows);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `name` as a CSV field: quoted when it needs to be.
std::string csv_field(std::string_view name);

}  // namespace flowfit::data
