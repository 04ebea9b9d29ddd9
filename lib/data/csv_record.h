// One CSV record with quotes, cut into fields, and the hints that go with what is wrong in a table.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flowfit::data {

constexpr std::size_t longest_field = 1 << 20, longest_record = 1 << 24;

struct CsvField {
  const char* data = nullptr;
  std::size_t size = 0;
  bool quoted = false;
  bool doubled = false;  ///< contains doubled quotes

  std::string_view raw() const { return {data, size}; }
  std::string text() const;  ///< with doubled quotes made single
};

struct CsvRecord {
  std::vector<CsvField> fields;    ///< at most `keep` of them
  std::size_t count = 0;           ///< of all fields
  std::size_t lines = 0;           ///< line ends inside and after it
  const char* text_end = nullptr;  ///< end of its text, before the line end
  const char* next = nullptr;      ///< where the next record begins
};

/// Cuts the record that begins at `begin` into fields, by RFC 4180. False when [begin, end) does not hold the whole of it and more may come
/// (`ended` false). Throws DataError; `line` is the record's first line, `name` the file.
bool cut_record(const char* begin, const char* end, bool ended, std::size_t keep, const std::string& name, std::size_t line,
                CsvRecord& record, char delimiter = ',');

/// Whether a cell says that its value is not known: empty, NA, NaN, null, ?, …
bool is_missing(std::string_view text);
/// Those of them that may as well name a category: none, missing, -, …
bool may_be_category(std::string_view text);
/// `comma`, `tab`, … or the character in quotes.
std::string delimiter_name(char delimiter);

/// What may be wrong with a cell that is not a finite number; never empty.
std::string_view cell_hint(std::string_view text);

/// Without the blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);
/// `name` as a field of a table separated by `delimiter`: quoted when it needs to be.
std::string csv_field(std::string_view name, char delimiter = ',');

// Faults that both ways of reading a record can meet.
[[noreturn]] void fail_carriage_return(const std::string& name, std::size_t line);
[[noreturn]] void fail_nul(const std::string& name, std::size_t line);
[[noreturn]] void fail_long_field(const std::string& name, std::size_t line, std::size_t field, bool quoted);

/// `file:line:column`, or without the column when it is 0.
std::string csv_place(const std::string& name, std::size_t line, std::size_t column = 0);

}  // namespace flowfit::data
