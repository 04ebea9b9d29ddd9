// Numbers and words as text: exact parsing, shortest printing, "did you mean".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowfit::core {

/// Shortest decimal text that parses back to the same double; `inf`, `-inf`, `nan` for the rest.
std::string number(double value);
void append_number(std::string& text, double value);

/// The finite double that the whole field spells, or nothing. Blanks around it are trimmed, one leading `+` is
/// accepted, underflow is 0; overflow (1e400), `nan`, `inf`, hexadecimal and trailing text are refused.
std::optional<double> parse_number(std::string_view field);

/// A whole number in [low, high] in plain decimal digits (`010`, `1e3`, `+5`, ` 5` are refused), or nothing.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low, std::int64_t high);
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

/// The candidate closest to `word` by edit distance with transpositions, or "" when none is close enough to suggest.
std::string closest(std::string_view word, std::span<const std::string> candidates);

/// ` did you mean "x"?`-style hint: `did you mean "bins"?`, or a list of what is known when nothing is close.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

/// `3 rows`, `1 row`
std::string counted(std::size_t count, std::string_view noun);

/// The text in double quotes for a message: control and non-UTF-8 bytes escaped as \xNN, cut after `limit` bytes with `…`.
std::string quoted(std::string_view text, std::size_t limit = 60);

/// True when every byte belongs to a well-formed UTF-8 character.
bool is_utf8(std::string_view text);

/// `a, b, c` from parts.
std::string joined(std::span<const std::string> parts, std::string_view separator = ", ");

}  // namespace flowfit::core
