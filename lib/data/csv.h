// Strict CSV (RFC 4180): a streaming reader of numbers whose errors say file:line:column, and the header's names.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/table_reader.h"

namespace flowfit::data {

/// Reads a CSV with a header row from a file or stdin ("-") in bounded memory, whatever its length.
///
/// RFC 4180: comma (or another delimiter), quoted fields with doubled quotes and line breaks inside; LF or CRLF; a UTF-8 byte order mark, a missing final
/// newline and trailing blank lines are accepted. Errors (core::DataError, `file:line:column: expected …, got "…"; hint`): a
/// selected cell that is not a finite number (empty cells and NA, NaN, inf, 1e400, dates and decimal commas get their own hints), a row
/// shorter or longer than the header (`file:line: expected N fields, got M`), an unclosed quote (names the line it opened),
/// text after a closing quote, lone CR line ends, NUL bytes, UTF-16, a field beyond 1 MB, an empty file, duplicate or empty
/// column names, a header of a single field that contains `;` or a tab (hint: the delimiter). IoError when the system fails to read.
/// Also refused: a header that is not UTF-8, a quote inside an unquoted field, a row beyond 16 MB. Blanks around an unquoted column
/// name are dropped. A blank line with more lines after it is an error, or an empty cell where the table has a single column.
/// Lines (of a record: its first) and columns count from 1; a column is the field's number, then its name: `data.csv:7:2 (x2): …`.
class CsvReader final : public TableReader {
 public:
  explicit CsvReader(const std::string& path, bool keep_text = false, char delimiter = ',');
  explicit CsvReader(std::unique_ptr<Input> input, bool keep_text = false, char delimiter = ',');
  ~CsvReader() override;

  const std::string& name() const override;
  const std::vector<std::string>& header() const override;
  const std::string& header_line() const override;
  char delimiter() const override;
  std::size_t skipped() const override;
  void select(std::vector<std::size_t> fields, BadCell bad = BadCell::error, std::vector<Categories> categories = {}) override;
  const std::vector<Categories>& categories() const override;
  std::size_t read(std::size_t limit, TableRows& rows) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace flowfit::data
