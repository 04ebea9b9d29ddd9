// JSON text, strictly: duplicate keys, depth, overflow and encoding are errors with a place.
#include "config/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::config {
namespace {

constexpr std::size_t deepest = 64;

/// Hands the text to the parser and counts what has been taken: SAX events do not say where they are.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  std::size_t* taken = nullptr;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*taken;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

class Handler {
 public:
  Handler(std::string_view text, std::string_view source, const std::size_t& taken)
      : text_(text), source_(source), taken_(taken) {}

  Json result;

  // The events of nlohmann's SAX interface; false stops the parser.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& value) {
    if (!open_.back().seen.insert(value).second)
      fail(start_of_string(taken_), "each key once", "a second " + core::quoted(value), "keep one of them");
    open_.back().key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const Json::exception& error);

  /// The parser takes a NUL byte for the end of the text, and would drop what follows.
  void refuse_nul() const {
    if (const std::size_t at = text_.find('\0'); at != std::string_view::npos)
      fail(at, "text", "a NUL byte", "is the file binary, or UTF-16?");
  }

 private:
  struct Level {
    Json value;
    std::string key;
    std::unordered_set<std::string> seen;  // an object's own search is linear
  };

  bool add(Json value) {
    if (open_.empty()) {
      result = std::move(value);
      return true;
    }
    Level& level = open_.back();
    if (level.value.is_object())
      level.value.get_ref<Json::object_t&>().emplace_back(std::move(level.key), std::move(value));
    else
      level.value.push_back(std::move(value));
    return true;
  }

  bool open(Json container) {
    if (open_.size() >= deepest) fail(taken_ - 1, "at most " + std::to_string(deepest) + " levels of nesting", "more");
    open_.push_back({std::move(container), {}, {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  /// Where the string that ends before `end` begins: the last quote that no backslash escapes.
  std::size_t start_of_string(std::size_t end) const {
    std::size_t at = std::min(end, text_.size());
    at = at < 2 ? 0 : at - 2;
    for (; at > 0; --at) {
      if (text_[at] != '"') continue;
      std::size_t slashes = 0;
      while (slashes < at && text_[at - 1 - slashes] == '\\') ++slashes;
      if (slashes % 2 == 0) break;
    }
    return at;
  }

  [[noreturn]] void fail(std::size_t offset, const std::string& expected, std::string_view got,
                         std::string_view hint = {}) const {
    offset = std::min(offset, text_.size());
    const std::string_view before = text_.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto column = std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_start), before.end(),
                                      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }) +
                        1;
    throw core::ConfigError(core::message(std::string(source_) + ":" + std::to_string(line) + ":" + std::to_string(column),
                                          "expected " + expected, got, hint));
  }

  std::string_view text_, source_;
  const std::size_t& taken_;
  std::vector<Level> open_;
};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' ||
         c == '.';
}

std::string_view hint_for(std::string_view token, char before) {
  const char first = token.front();
  if (before == ',' && (first == '}' || first == ']')) return "remove the comma before it";
  if (first == '/' || first == '#') return "JSON has no comments";
  if (first == '\'') return "strings are written in double quotes";
  if (token == "NaN" || token == "nan" || token.ends_with("Infinity") || token.ends_with("inf"))
    return "JSON has no NaN and no infinity";
  if (token == "True" || token == "False" || token == "None" || token == "TRUE" || token == "FALSE" || token == "NULL")
    return "write true, false and null";
  if (first == '.' || first == '+') return "a number begins with a digit or -";
  if (token.size() > 1 && first == '0') return "a number has no leading zero";
  if ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')) return "strings and keys are written in double quotes";
  return {};
}

/// What the parser wanted, from its own text.
std::string expected_in(const std::string& what) {
  const auto has = [&what](std::string_view part) { return what.find(part) != std::string::npos; };
  if (has("; expected string literal") || has("while parsing object key")) return "a key in double quotes";
  if (has("; expected end of input")) return "the end of the text";
  if (has("while parsing object separator")) return "':'";
  if (has("; expected '}'")) return "',' or '}'";
  if (has("; expected ']'")) return "',' or ']'";
  return "a JSON value";
}

bool Handler::parse_error(std::size_t position, const std::string& token, const Json::exception& error) {
  const std::string what = error.what();
  const std::size_t last = text_.empty() ? 0 : std::min(position > 0 ? position - 1 : 0, text_.size() - 1);
  if (what.find("ill-formed UTF-8") != std::string::npos) {
    const bool cut = position > text_.size();
    fail(cut ? text_.size() : last, "UTF-8 text",
         cut ? "the end in the middle of a character" : "the byte " + core::quoted(text_.substr(last, 1)),
         "save the file as UTF-8");
  }
  // For strings and numbers the parser gives the token, with each control byte as <U+XXXX>: eight characters for one.
  std::size_t length = token.size();
  for (std::size_t at = token.find("<U+00"); at != std::string::npos; at = token.find("<U+00", at + 1)) length -= 7;
  const std::size_t start = std::min(position >= length ? position - length : 0, text_.size());
  if (error.id == 406) fail(start, "a number within the range of a double", core::quoted(token));
  if (const std::size_t at = what.find("invalid string: "); at != std::string::npos && position <= text_.size())
    fail(start, "a string", core::quoted(text_.substr(start, length)), what.substr(at + 16, what.find("; last read") - at - 16));
  if (position > text_.size()) {
    const bool blank = text_.find_first_not_of(" \t\r\n") == std::string_view::npos;
    fail(text_.size(), blank ? "a JSON value" : "the rest of a JSON value", blank ? "an empty text" : "the end of the text",
         what.find("invalid string") != std::string::npos ? "is a closing quote missing?"
         : open_.empty()                                  ? ""
         : open_.back().value.is_object()                 ? "is a } missing?"
                                                          : "is a ] missing?");
  }

  // Other tokens it gives with whatever stood before: show the word around the last byte read.
  std::size_t from = last, to = last + 1;
  if (what.find("unexpected string literal") != std::string::npos) {
    from = start_of_string(position);
  } else if (is_word(text_[last]) || what.find("invalid") != std::string::npos) {
    while (from > 0 && is_word(text_[from - 1])) --from;
    to = from;
    while (to < text_.size() && is_word(text_[to])) ++to;
    to = std::max(to, from + 1);
  }
  const std::string_view shown = text_.substr(from, to - from);
  const std::size_t before = from == 0 ? std::string_view::npos : text_.find_last_not_of(" \t\r\n", from - 1);
  fail(from, expected_in(what), core::quoted(shown), hint_for(shown, before == std::string_view::npos ? '\0' : text_[before]));
}

/// A double that stays a double when it is read again: `3.0`, not `3`.
void append_double(std::string& text, double value) {
  if (!std::isfinite(value)) throw std::logic_error("print_json: " + core::number(value) + " is not a JSON number");
  const std::size_t start = text.size();
  core::append_number(text, value);
  if (text.find_first_of(".e", start) == std::string::npos) text += ".0";
}

void append_string(std::string& text, const std::string& value) {
  // A file name need not be UTF-8; what is not becomes U+FFFD rather than an error while reporting success.
  text += Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print(std::string& text, const Json& value, int indent, int level) {
  const auto new_line = [&](int to) {
    if (indent < 0) return;
    text += '\n';
    text.append(static_cast<std::size_t>(indent * to), ' ');
  };
  if (value.is_object() || value.is_array()) {
    const bool object = value.is_object();
    text += object ? '{' : '[';
    bool first = true;
    for (auto item = value.begin(); item != value.end(); ++item) {
      if (!first) text += ',';
      first = false;
      new_line(level + 1);
      if (object) {
        append_string(text, item.key());
        text += indent < 0 ? ":" : ": ";
      }
      print(text, *item, indent, level + 1);
    }
    if (!first) new_line(level);
    text += object ? '}' : ']';
  } else if (value.is_number_float()) {
    append_double(text, value.get<double>());
  } else if (value.is_string()) {
    append_string(text, value.get_ref<const std::string&>());
  } else {
    text += value.dump();
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view source) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::size_t taken = 0;
  Handler handler(text, source, taken);
  handler.refuse_nul();
  const char* const end = text.data() + text.size();
  Json::sax_parse(CountingIterator{text.data(), &taken}, CountingIterator{end, &taken}, &handler);
  return std::move(handler.result);
}

Json number_or_null(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }

std::string print_json(const Json& value, int indent) {
  std::string text;
  print(text, value, indent, 0);
  return text;
}

}  // namespace flowfit::config
