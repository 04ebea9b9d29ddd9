// Numbers and words as text: exact parsing, shortest printing, "did you mean".
#include "core/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

namespace flowfit::core {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// from_chars says "out of range" for both ends of the doubles. The number is too small rather than too large when the
/// power of ten of its first significant digit is negative.
bool underflows(std::string_view text) {
  constexpr long long huge = 1'000'000'000'000;
  long long power = 0;
  bool significant = false, fraction = false;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      fraction = true;
    } else if (is_digit(text[i])) {
      significant = significant || text[i] != '0';
      if (significant && !fraction) ++power;
      if (!significant && fraction) --power;
    }
  }
  if (++i < text.size()) {
    const bool negative = text[i] == '-';
    if (negative || text[i] == '+') ++i;
    long long exponent = 0;
    for (; i < text.size(); ++i) exponent = std::min(huge, exponent * 10 + (text[i] - '0'));
    power += negative ? -exponent : exponent;
  }
  return power < 0;
}

/// Bytes of the well-formed UTF-8 character at the start of a text that is not empty; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool beyond = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

/// Letter case and the choice between `-` and `_` are slips that cost nothing.
std::string folded(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = c == '-' ? '_' : lower(c);
  return text;
}

/// Edit distance with transpositions of neighbours (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

/// A word that needs no quotes in a list.
std::string plain_or_quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '-' || c == '.';
  });
  return plain ? word : core::quoted(word);
}

}  // namespace

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

void append_number(std::string& text, double value) {
  if (std::isnan(value)) {  // to_chars would print the sign of a NaN
    text += "nan";
    return;
  }
  char digits[32];
  // The shortest digits that are read back as this number; powers of ten only where they save many zeros.
  constexpr double least = 1e-5, most = 1e15;
  const double size = std::abs(value);
  const bool written_out = (size >= least && size < most) || size == 0;
  const auto result = written_out ? std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed)
                                  : std::to_chars(digits, digits + sizeof digits, value);
  text.append(digits, result.ptr);
}

std::string number(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

std::optional<double> parse_number(std::string_view field) {
  while (!field.empty() && is_blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_blank(field.back())) field.remove_suffix(1);
  if (!field.empty() && field.front() == '+') {
    field.remove_prefix(1);
    if (!field.empty() && field.front() == '-') return std::nullopt;
  }
  double value = 0.0;
  const char* const end = field.data() + field.size();
  const auto result = std::from_chars(field.data(), end, value);
  if (result.ptr != end || result.ec == std::errc::invalid_argument) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) {
    if (!underflows(field)) return std::nullopt;
    return field.front() == '-' ? -0.0 : 0.0;
  }
  if (!std::isfinite(value)) return std::nullopt;  // `inf`, `nan(1)`: from_chars spells them too
  return value;
}

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low, std::int64_t high) {
  const bool negative = !text.empty() && text.front() == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  if (digits.front() == '0' && (digits.size() > 1 || negative)) return std::nullopt;
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || value < low || value > high) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

std::string closest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t longest = 128;  // the distance costs the product of the lengths
  if (word.empty() || word.size() > longest) return "";
  const std::string wanted = folded(word);
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > longest) continue;
    const std::string other = folded(candidate);
    const std::size_t shorter = std::min(wanted.size(), other.size()), longer = std::max(wanted.size(), other.size());
    const std::size_t limit = std::max<std::size_t>(1, longer / 3);
    // A word cut short, or with an ending too much, is close whatever the number of letters.
    const bool prefix = shorter >= 3 && wanted.compare(0, shorter, other, 0, shorter) == 0;
    if (!prefix && longer - shorter > limit) continue;
    const std::size_t between = prefix ? std::min(longer - shorter, limit) : distance(wanted, other);
    if (!prefix && (between > limit || (between > 0 && between >= shorter))) continue;
    if (best == nullptr || between < best_distance) {
      best = &candidate;
      best_distance = between;
    }
  }
  return best == nullptr ? "" : *best;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t most = 20;
  const std::string near = closest(word, candidates);
  if (!near.empty()) return "did you mean " + core::quoted(near) + "?";
  if (candidates.empty()) return "";
  std::vector<std::string> known;
  for (const std::string& candidate : candidates.first(std::min(candidates.size(), most)))
    known.push_back(plain_or_quoted(candidate));
  if (candidates.size() > most) known.push_back("… (" + std::to_string(candidates.size()) + " in all)");
  return "known: " + joined(known);
}

std::string quoted(std::string_view text, std::size_t limit) {
  constexpr char hex[] = "0123456789abcdef";
  std::string result = "\"";
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = utf8_length(text.substr(i));
    if (i + std::max<std::size_t>(length, 1) > limit) break;
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control =
        byte < 0x20 || byte == 0x7F || (byte == 0xC2 && length == 2 && static_cast<unsigned char>(text[i + 1]) < 0xA0);
    if (length == 0 || control) {
      result += "\\x";
      result += hex[byte >> 4];
      result += hex[byte & 15];
      ++i;  // the second byte of a C1 control is then on its own, and not well-formed
    } else {
      result += text.substr(i, length);
      i += length;
    }
  }
  if (i < text.size()) result += "…";
  return result + '"';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string joined(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

}  // namespace flowfit::core
