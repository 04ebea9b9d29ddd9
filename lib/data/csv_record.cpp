// One CSV record with quotes, cut into fields, and the hints that go with what is wrong in a table.
#include "data/csv_record.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::data {

std::string CsvField::text() const {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += data[i];
    if (doubled && data[i] == '"') ++i;
  }
  return text;
}

std::string csv_place(const std::string& name, std::size_t line, std::size_t column) {
  std::string place = name + ":" + std::to_string(line);
  if (column > 0) place += ":" + std::to_string(column);
  return place;
}

void fail_carriage_return(const std::string& name, std::size_t line) {
  throw core::DataError(core::message(csv_place(name, line), "expected lines that end in LF or CRLF", "a lone carriage return",
                                      "convert the line ends, for example with tr '\\r' '\\n'"));
}

void fail_nul(const std::string& name, std::size_t line) {
  throw core::DataError(
      core::message(csv_place(name, line), "expected text", "a NUL byte", "is the file binary, or UTF-16? save it as UTF-8"));
}

void fail_long_field(const std::string& name, std::size_t line, std::size_t field, bool quoted) {
  throw core::DataError(core::message(csv_place(name, line, field), "expected a field of at most 1 MB", "more",
                                      quoted ? "is a closing quote missing?" : "is it a CSV file?"));
}

bool cut_record(const char* begin, const char* end, bool ended, std::size_t keep, const std::string& name, std::size_t line,
                CsvRecord& record, char delimiter) {
  record.fields.clear();
  record.count = 0;
  record.lines = 0;
  const char* at = begin;
  const auto fail = [&](std::string_view expected, std::string_view got, std::string_view hint) {
    throw core::DataError(core::message(csv_place(name, line + record.lines, record.count + 1), expected, got, hint));
  };
  for (;;) {  // one field a round
    CsvField field;
    if (at != end && *at == '"') {
      field.quoted = true;
      field.data = ++at;
      const std::size_t opened = line + record.lines;
      for (;;) {
        while (at != end && *at != '"' && *at != '\n' && *at != '\0') ++at;
        if (static_cast<std::size_t>(at - field.data) > longest_field) fail_long_field(name, opened, record.count + 1, true);
        if (at == end) {
          if (!ended) return false;
          throw core::DataError(core::message(csv_place(name, opened, record.count + 1), "expected a closing quote",
                                              "the end of the file", "this is where the quote opens"));
        }
        if (*at == '\0') fail_nul(name, line + record.lines);
        if (*at == '\n') {
          ++record.lines;
          ++at;
          continue;
        }
        if (at + 1 == end && !ended) return false;  // one quote, or the first of two
        if (at + 1 == end || at[1] != '"') break;
        field.doubled = true;
        at += 2;
      }
      field.size = static_cast<std::size_t>(at - field.data);
      ++at;
      if (at != end && *at != delimiter && *at != '\n' && *at != '\r')
        fail("expected a " + delimiter_name(delimiter) + " or the end of the line after the closing quote",
             core::quoted(std::string_view(at, 1)), "a quote inside a quoted field is written twice");
    } else {
      field.data = at;
      while (at != end && *at != delimiter && *at != '\n' && *at != '\r' && *at != '"' && *at != '\0') ++at;
      field.size = static_cast<std::size_t>(at - field.data);
      if (field.size > longest_field) fail_long_field(name, line + record.lines, record.count + 1, false);
      if (at != end && *at == '"')
        fail("expected quotes around a whole field only", "a quote after " + core::quoted(field.raw(), 20),
             "put the field in quotes and write a quote inside it twice");
      if (at != end && *at == '\0') fail_nul(name, line + record.lines);
    }
    if (at == end && !ended) return false;
    if (at != end && *at == '\r' && at + 1 == end && !ended) return false;
    if (at != end && *at == '\r' && (at + 1 == end || at[1] != '\n')) fail_carriage_return(name, line + record.lines);

    if (record.fields.size() < keep) record.fields.push_back(field);
    ++record.count;
    if (at != end && *at == delimiter) {
      ++at;
      continue;
    }
    record.text_end = at;
    if (at != end && *at == '\r') ++at;
    if (at != end) {
      ++at;
      ++record.lines;
    }
    record.next = at;
    return true;
  }
}

namespace {

/// Without blanks around it, in small letters, cut short.
std::string plain_word(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::string word(text.substr(0, 64));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

}  // namespace

bool is_missing(std::string_view text) {
  constexpr std::array<std::string_view, 13> absent = {"",     "na",   "n/a", "#n/a",    "nan", "-nan", "+nan",
                                                       "null", "none", "nil", "missing", "?",   "-"};
  const std::string word = plain_word(text);
  return std::find(absent.begin(), absent.end(), word) != absent.end() || word.starts_with("nan(");
}

bool may_be_category(std::string_view text) {
  constexpr std::array<std::string_view, 4> words = {"none", "nil", "missing", "-"};
  return std::find(words.begin(), words.end(), plain_word(text)) != words.end();
}

std::string delimiter_name(char delimiter) {
  switch (delimiter) {
    case ',':
      return "comma";
    case '\t':
      return "tab";
    case ';':
      return "semicolon";
    case '|':
      return "pipe";
    default:
      return core::quoted(std::string_view(&delimiter, 1));
  }
}

std::string_view cell_hint(std::string_view text) {
  const std::string word = plain_word(text);
  if (word.empty()) return "fill it or drop the row";
  if (is_missing(word)) return "fill the cell, drop the row, or say under data.missing what missing values do";
  const std::string_view magnitude = std::string_view(word).substr(word.front() == '-' || word.front() == '+' ? 1 : 0);
  if (magnitude == "inf" || magnitude == "infinity") return "an infinite value has no density: drop the row";
  if (word == "true" || word == "false") return "write 1 and 0";

  const bool digits = std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::size_t count = word.size();
  const auto only = [&word](std::string_view allowed) { return word.find_first_not_of(allowed) == std::string::npos; };
  if (!digits) return "leave a column of words out with data.columns";
  if (std::count(word.begin(), word.end(), ',') > 0 && only("0123456789+-.,e "))
    return std::count(word.begin(), word.end(), ',') == 1 ? "write a decimal point, not a comma"
                                                          : "write numbers without separators of thousands";
  if (magnitude.starts_with("0x")) return "write the number in decimal";
  if (count >= 4 && only("0123456789-/.:tz +") &&
      (std::count(word.begin(), word.end(), '-') == 2 || std::count(word.begin(), word.end(), '/') == 2 ||
       std::count(word.begin(), word.end(), ':') >= 1))
    return "turn dates and times into numbers first";
  if (word.back() == '%') return "write a fraction or the bare number, without %";
  const std::size_t exponent = magnitude.find('e');
  const auto digits_only = [](std::string_view part, std::string_view allowed) {
    return !part.empty() && part.find_first_not_of(allowed) == std::string_view::npos;
  };
  if (exponent != std::string_view::npos && digits_only(magnitude.substr(0, exponent), "0123456789.")) {
    std::string_view power = magnitude.substr(exponent + 1);
    if (!power.empty() && (power.front() == '-' || power.front() == '+')) power.remove_prefix(1);
    return digits_only(power, "0123456789") ? "the number is beyond the range of a double" : "the exponent is incomplete";
  }
  if (magnitude.size() > 300 && digits_only(magnitude, "0123456789.")) return "the number is beyond the range of a double";
  if (word.find('_') != std::string::npos || word.find(' ') != std::string::npos || word.find('\'') != std::string::npos)
    return "write numbers without separators and units";
  return "write a plain decimal number such as -1.5 or 2e-3";
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string csv_field(std::string_view name, char delimiter) {
  // At the start of a file a byte order mark would be taken for its own.
  const bool plain = !name.empty() && name.find(delimiter) == std::string_view::npos &&
                     name.find_first_of("\"\r\n") == std::string_view::npos && trimmed(name) == name &&
                     !name.starts_with("\xEF\xBB\xBF");
  if (plain) return std::string(name);
  std::string field = "\"";
  for (const char c : name) {
    if (c == '"') field += c;
    field += c;
  }
  return field + '"';
}

}  // namespace flowfit::data
