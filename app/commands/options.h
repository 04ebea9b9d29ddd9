// The options of a command, as texts: numbers are parsed by us, exactly, and CLI11 stays behind one file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace flowfit::commands {

/// An argument that may be absent.
using Text = std::optional<std::string>;

class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  void positional(const std::string& name, Text& to);
  void value(const std::string& flags, Text& to);                       ///< `-o,--output`, with one value, once
  void values(const std::string& flags, std::vector<std::string>& to);  ///< with one value each time, repeatable
  void flag(const std::string& flags, bool& to);

  const std::vector<std::string>& flags() const { return flags_; }  ///< every spelling, for a did-you-mean
  void add(const Options& other) { flags_.insert(flags_.end(), other.flags_.begin(), other.flags_.end()); }

 private:
  void remember(const std::string& flags);

  CLI::App& app_;
  std::vector<std::string> flags_;
};

// An absent argument, or one that is not what it should be, throws core::ConfigError.

/// The positional `name` of `command`.
const std::string& needed(const Text& text, std::string_view command, std::string_view name);
/// A whole number in [low, high].
std::int64_t whole_number(std::string_view flag, const std::string& text, std::int64_t low, std::int64_t high);
/// A seed: 0 … 2^64−1.
std::uint64_t seed_number(std::string_view flag, const std::string& text);
/// A number above 0.
double positive_number(std::string_view flag, const std::string& text);
/// The place of `text` in `allowed`.
std::size_t choice(std::string_view flag, const std::string& text, const std::vector<std::string>& allowed);

/// `--delimiter`: a character, or the word for one; 0 without the flag.
char delimiter_option(const Text& text);

/// Refuses to write `output` ("-" is stdout) over `input` ("-" is stdin): the file would be gone before it is read.
void refuse_overwriting(const std::string& output, const std::string& input);

}  // namespace flowfit::commands
