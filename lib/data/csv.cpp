// Strict CSV (RFC 4180): a streaming reader of numbers whose errors say file:line:column, and the header's names.
#include "data/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/csv_record.h"
#include "data/csv_source.h"

namespace flowfit::data {
namespace {

constexpr std::size_t most_columns = 1'000'000;
constexpr std::size_t unselected = std::numeric_limits<std::size_t>::max();
constexpr std::size_t of_text = std::size_t{1} << 62;  // added to the slot of a field of categories: slots below it hold numbers

constexpr const char* utf8_hint = "save the file as UTF-8, for example with iconv -f latin1 -t UTF-8";

/// A name for a message, without quotes but on one line.
std::string shown(const std::string& name) {
  const std::string text = core::quoted(name, 40);
  return text.substr(1, text.size() - 2);
}

/// Files that are no CSV at all, known by their first bytes.
void refuse_other_formats(const std::string& name, std::string_view start) {
  struct Format {
    std::string_view magic, got, hint;
  };
  using namespace std::string_view_literals;
  static constexpr std::array<Format, 6> formats = {{
      {"\xFF\xFE"sv, "UTF-16", "save it as UTF-8, for example with iconv -f UTF-16 -t UTF-8"},
      {"\xFE\xFF"sv, "UTF-16", "save it as UTF-8, for example with iconv -f UTF-16 -t UTF-8"},
      {"PK\x03\x04"sv, "a zip file or a spreadsheet", "export it as CSV"},
      // With the first byte of its first page: PAR1 alone is a good name for a column.
      {"PAR1\x15"sv, "a parquet file", "export it as CSV"},
      {"\x89HDF"sv, "an HDF5 file", "export it as CSV"},
      {"{\""sv, "JSON", "write it as CSV; JSON lines are written, not read"},
  }};
  for (const Format& format : formats)
    if (start.starts_with(format.magic))
      throw core::DataError(core::message(name, "expected a CSV file", format.got, format.hint));
}

}  // namespace

struct CsvReader::State {
  State(std::unique_ptr<Input> input, bool keep, char separator)
      : source(std::move(input)), keep_text(keep), delimiter(separator) {}

  CsvSource source;
  bool keep_text;
  char delimiter;
  std::size_t line = 1;  // of the next record
  std::vector<std::string> header;
  std::string header_line;

  BadCell bad = BadCell::error;
  std::vector<std::size_t> slots;      // by field: its place in the output (of_text + its place for categories), or unselected
  std::vector<Categories> categories;  // by place in the output
  std::vector<std::pair<std::size_t, std::size_t>> copies;  // output places of fields selected twice: to, from
  std::size_t skipped = 0;

  std::size_t blank_lines = 0, first_blank = 0;  // blank lines seen, not known yet to be trailing
  CsvRecord record;
  std::vector<double> values;  // of the row being read, by place in the output
  std::size_t bad_field = 0;   // first bad cell of the row, counted from 1; 0 when all are good
  bool bad_is_missing = false;
  std::string bad_text;

  void read_header();
  void check_header() const;
  std::size_t read(std::size_t limit, TableRows& rows);

 private:
  enum class Step { row, blank, wait };
  Step next_row(const char*& text_end, const char*& next, std::size_t& lines);
  void parse_plain(const char* at, const char* end);
  void parse_record();
  void cell(std::size_t field, std::string_view text);
  bool allows_missing() const { return bad == BadCell::drop_missing || bad == BadCell::keep_missing; }
  void check_partial();
  void check_count(std::size_t count, const char* text_end) const;
  bool settle_blank_lines(std::size_t limit, TableRows& rows);
  void emit(TableRows& rows, std::string_view text);
  [[noreturn]] void fail_cell(std::size_t at_line, std::size_t field, const std::string& text) const;
};

void CsvReader::State::read_header() {
  constexpr std::size_t longest_magic = 8;
  while (static_cast<std::size_t>(source.end() - source.begin()) < longest_magic && source.fill()) {
    if (std::memchr(source.begin(), '\n', static_cast<std::size_t>(source.end() - source.begin())) != nullptr) break;
  }
  std::string_view start(source.begin(), static_cast<std::size_t>(source.end() - source.begin()));
  if (start.starts_with("\xEF\xBB\xBF")) source.consume(source.begin() + 3);
  refuse_other_formats(source.name(), start);
  start = {source.begin(), static_cast<std::size_t>(source.end() - source.begin())};
  if (start.empty()) throw core::DataError(core::message(source.name(), "expected a row of column names", "an empty file"));
  if (start.starts_with("\n") || start.starts_with("\r\n"))
    throw core::DataError(
        core::message(csv_place(source.name(), 1), "expected a row of column names", "a blank line", "remove it"));

  while (!cut_record(source.begin(), source.end(), source.at_end(), most_columns + 1, source.name(), line, record, delimiter)) {
    check_partial();
    source.fill();
  }
  if (record.count > most_columns)
    throw core::DataError(
        core::message(csv_place(source.name(), 1), "expected at most 1000000 columns", std::to_string(record.count)));
  for (const CsvField& field : record.fields) header.push_back(field.quoted ? field.text() : std::string(trimmed(field.raw())));
  header_line.assign(source.begin(), record.text_end);
  source.consume(record.next);
  line += record.lines;
  check_header();
  slots.assign(header.size(), unselected);
}

void CsvReader::State::check_header() const {
  const auto fail = [this](std::size_t column, std::string_view expected, std::string_view got, std::string_view hint) {
    throw core::DataError(core::message(csv_place(source.name(), 1, column), expected, got, hint));
  };
  if (header.size() == 1) {
    for (const char other : {',', ';', '\t', '|'}) {
      if (header.front().find(other) == std::string::npos) continue;
      fail(0, "expected columns separated by " + delimiter_name(delimiter) + "s", core::quoted(header.front()),
           "the file seems to be separated by " + delimiter_name(other) + "s: read it with --delimiter " + delimiter_name(other));
    }
  }
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string& name = header[i];
    if (!core::is_utf8(name)) fail(i + 1, "expected a column name in UTF-8", core::quoted(name), utf8_hint);
    if (name.empty())
      fail(i + 1, "expected a column name", "an empty field",
           i == 0 ? std::string("name it, or write the file without its index")
                  : "name every column, and end the row without a " + delimiter_name(delimiter));
    const auto [known, added] = first.emplace(name, i + 1);
    if (!added)
      fail(i + 1, "expected each column name once", core::quoted(name) + " again",
           "column " + std::to_string(known->second) + " has it too: rename one");
  }
}

void CsvReader::State::fail_cell(std::size_t at_line, std::size_t field, const std::string& text) const {
  const std::string where = csv_place(source.name(), at_line, field) + " (" + shown(header[field - 1]) + ")";
  const std::size_t slot = slots[field - 1];
  if (slot >= of_text && slot != unselected) {
    if (trimmed(text).empty())
      throw core::DataError(core::message(where, "expected a category", "an empty cell", cell_hint(text)));
    if (!core::is_utf8(text))
      throw core::DataError(core::message(where, "expected a category in UTF-8", core::quoted(trimmed(text)), utf8_hint));
    throw core::DataError(core::message(where, "expected a category that the model knows", core::quoted(trimmed(text)),
                                        core::suggestion(trimmed(text), categories[slot - of_text].texts)));
  }
  throw core::DataError(
      core::message(where, "expected a number", trimmed(text).empty() ? "an empty cell" : core::quoted(text), cell_hint(text)));
}

void CsvReader::State::cell(std::size_t field, std::string_view text) {
  std::size_t slot = slots[field];
  if (slot == unselected) return;
  std::optional<double> value;
  if (slot < of_text) {
    value = core::parse_number(text);
  } else {
    slot -= of_text;
    if (const auto code = categories[slot].code(trimmed(text))) value = static_cast<double>(*code);
  }
  values[slot] = value.value_or(std::numeric_limits<double>::quiet_NaN());
  // Of several bad cells the first counts, but one that is worse than missing counts before it where missing ones are allowed.
  if (value || (bad_field != 0 && !(allows_missing() && bad_is_missing))) return;
  bad_field = field + 1;
  bad_is_missing = is_missing(text) && !(slots[field] >= of_text && may_be_category(text));
  bad_text = text;
}

void CsvReader::State::check_count(std::size_t count, const char* text_end) const {
  if (count == header.size()) return;
  std::string hint;
  if (count > header.size())
    hint = "is there a " + delimiter_name(delimiter) + " inside a number or a text? put such a field in quotes";
  else if (source.at_end() && text_end == source.end())
    hint = "is the file cut off?";
  else
    hint = "write an empty cell between " + delimiter_name(delimiter) + "s where a value is missing, or remove the row";
  throw core::DataError(core::message(csv_place(source.name(), line), "expected " + core::counted(header.size(), "field"),
                                      std::to_string(count), hint));
}

/// A record without quotes: numbers are parsed where they stand; the search for the comma is left to cells that are no plain number.
void CsvReader::State::parse_plain(const char* at, const char* end) {
  const std::size_t width = header.size();
  const bool may_be_long = static_cast<std::size_t>(end - at) > longest_field;
  std::size_t count = 0;
  for (;;) {
    const std::size_t slot = count < width ? slots[count] : unselected;
    if (slot < of_text && !may_be_long) {
      double value = 0;
      const auto result = std::from_chars(at, end, value);
      if (result.ec == std::errc() && (result.ptr == end || *result.ptr == delimiter) && std::isfinite(value)) {
        values[slot] = value;
        ++count;
        if (result.ptr == end) break;
        at = result.ptr + 1;
        continue;
      }
    }
    const void* const comma = std::memchr(at, delimiter, static_cast<std::size_t>(end - at));
    const char* const field_end = comma == nullptr ? end : static_cast<const char*>(comma);
    const auto size = static_cast<std::size_t>(field_end - at);
    if (size > longest_field) fail_long_field(source.name(), line, count + 1, false);
    if (slot != unselected) cell(count, {at, size});
    ++count;
    if (comma == nullptr) break;
    at = field_end + 1;
  }
  check_count(count, end);
}

void CsvReader::State::parse_record() {
  check_count(record.count, record.text_end);
  for (std::size_t i = 0; i < record.fields.size(); ++i) {
    if (slots[i] == unselected) continue;
    const CsvField& field = record.fields[i];
    if (field.doubled)
      cell(i, field.text());
    else
      cell(i, field.raw());
  }
}

/// The window holds no whole record: what is wrong with it already, so that a file of one huge line ends in bounded memory.
void CsvReader::State::check_partial() {
  const char* const begin = source.begin();
  const char* const end = source.end();
  const char* const quote = source.quote();
  if (source.nul() < quote) fail_nul(source.name(), line);
  if (const char* cr = source.carriage_return(); cr < quote && cr + 1 < end && cr[1] != '\n')
    fail_carriage_return(source.name(), line);
  const auto size = static_cast<std::size_t>(end - begin);
  if (size <= longest_field) return;
  if (quote == end) {
    std::size_t field = 1;
    for (const char* at = begin;; ++field) {
      const void* const comma = std::memchr(at, delimiter, static_cast<std::size_t>(end - at));
      const char* const field_end = comma == nullptr ? end : static_cast<const char*>(comma);
      if (static_cast<std::size_t>(field_end - at) > longest_field) fail_long_field(source.name(), line, field, false);
      if (comma == nullptr) break;
      at = field_end + 1;
    }
  }
  if (size > longest_record)
    throw core::DataError(
        core::message(csv_place(source.name(), line), "expected a row of at most 16 MB", "more", "is it a CSV file?"));
}

/// Looks at the next record of the window, and parses it unless it is a blank line or not yet there as a whole.
CsvReader::State::Step CsvReader::State::next_row(const char*& text_end, const char*& next, std::size_t& lines) {
  const char* const begin = source.begin();
  const char* const end = source.end();
  const void* const found = std::memchr(begin, '\n', static_cast<std::size_t>(end - begin));
  const char* const line_end = found != nullptr ? static_cast<const char*>(found) : end;
  bad_field = 0;
  if (source.quote() < line_end) {
    if (!cut_record(begin, end, source.at_end(), header.size(), source.name(), line, record, delimiter)) return Step::wait;
    text_end = record.text_end;
    next = record.next;
    lines = record.lines;
    parse_record();
    return Step::row;
  }
  if (found == nullptr && !source.at_end()) return Step::wait;
  text_end = line_end;
  if (found != nullptr && text_end > begin && text_end[-1] == '\r') --text_end;
  if (source.nul() < text_end) fail_nul(source.name(), line);
  if (source.carriage_return() < text_end) fail_carriage_return(source.name(), line);
  next = found != nullptr ? line_end + 1 : end;
  lines = 1;
  if (text_end == begin) return Step::blank;
  parse_plain(begin, text_end);
  return Step::row;
}

void CsvReader::State::emit(TableRows& rows, std::string_view text) {
  for (const auto& [to, from] : copies) values[to] = values[from];
  for (std::size_t i = 0; i < values.size(); ++i) rows.columns[i].push_back(values[i]);
  if (keep_text) rows.lines.emplace_back(text);
  ++rows.count;
}

/// A record follows the blank lines seen so far: they were not trailing. False when `rows` is full before all of them are delivered.
bool CsvReader::State::settle_blank_lines(std::size_t limit, TableRows& rows) {
  if (header.size() > 1)
    throw core::DataError(core::message(csv_place(source.name(), first_blank),
                                        "expected " + core::counted(header.size(), "field"), "a blank line", "remove it"));
  const bool selected = slots.front() != unselected;
  if (selected && bad == BadCell::error) fail_cell(first_blank, 1, "");
  if (selected && (bad == BadCell::skip || bad == BadCell::drop_missing)) {
    skipped += blank_lines;
    blank_lines = 0;
  }
  for (; blank_lines > 0 && rows.count < limit; --blank_lines) {
    std::fill(values.begin(), values.end(), std::numeric_limits<double>::quiet_NaN());
    emit(rows, "");
  }
  return blank_lines == 0;
}

std::size_t CsvReader::State::read(std::size_t limit, TableRows& rows) {
  rows.columns.resize(values.size());
  for (std::vector<double>& column : rows.columns) column.clear();
  rows.lines.clear();
  rows.count = 0;
  while (rows.count < limit) {
    const char *text_end = nullptr, *next = nullptr;
    std::size_t lines = 0;
    if (source.begin() == source.end() && source.at_end()) break;
    // Blank lines that did not fit come first in the next call; the record after them is parsed only then.
    const char first = source.begin() != source.end() ? *source.begin() : '\n';
    if (blank_lines > 0 && first != '\n' && first != '\r' && !settle_blank_lines(limit, rows)) break;
    if (rows.count == limit) break;
    const Step step = source.begin() == source.end() ? Step::wait : next_row(text_end, next, lines);
    if (step == Step::wait) {
      check_partial();
      if (rows.count > 0 && !source.ready()) break;
      source.fill();
      continue;
    }
    if (step == Step::blank) {
      if (blank_lines++ == 0) first_blank = line;
    } else if (bad_field != 0 && (bad == BadCell::error || (allows_missing() && !bad_is_missing))) {
      fail_cell(line, bad_field, bad_text);
    } else if (bad_field != 0 && (bad == BadCell::skip || bad == BadCell::drop_missing)) {
      ++skipped;
    } else {
      emit(rows, {source.begin(), static_cast<std::size_t>(text_end - source.begin())});
    }
    source.consume(next);
    line += lines;
  }
  return rows.count;
}

CsvReader::CsvReader(const std::string& path, bool keep_text, char delimiter)
    : CsvReader(std::make_unique<Input>(path), keep_text, delimiter) {}

CsvReader::CsvReader(std::unique_ptr<Input> input, bool keep_text, char delimiter)
    : state_(std::make_unique<State>(std::move(input), keep_text, delimiter)) {
  state_->read_header();
}
CsvReader::~CsvReader() = default;

const std::string& CsvReader::name() const { return state_->source.name(); }
const std::vector<std::string>& CsvReader::header() const { return state_->header; }
const std::string& CsvReader::header_line() const { return state_->header_line; }
const std::vector<Categories>& CsvReader::categories() const { return state_->categories; }
char CsvReader::delimiter() const { return state_->delimiter; }
std::size_t CsvReader::skipped() const { return state_->skipped; }

void CsvReader::select(std::vector<std::size_t> fields, BadCell bad, std::vector<Categories> categories) {
  state_->bad = bad;
  state_->categories = std::move(categories);
  state_->slots.assign(header().size(), unselected);
  state_->copies.clear();
  state_->values.assign(fields.size(), 0.0);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i] >= header().size()) throw std::out_of_range("CsvReader::select: no such field");
    std::size_t& slot = state_->slots[fields[i]];
    const bool text = !state_->categories.empty() && !state_->categories[i].numbers();
    if (slot == unselected)
      slot = text ? of_text + i : i;
    else
      state_->copies.emplace_back(i, slot < of_text ? slot : slot - of_text);
  }
}

std::size_t CsvReader::read(std::size_t limit, TableRows& rows) { return state_->read(limit, rows); }

}  // namespace flowfit::data
