// Options through CLI11, with its traps closed: no value is converted by it, and a repeatable flag takes one value a time.
#include "commands/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

namespace flowfit::commands {

void Options::remember(const std::string& flags) {
  for (std::size_t start = 0; start <= flags.size();) {
    const std::size_t end = std::min(flags.find(',', start), flags.size());
    flags_.push_back(flags.substr(start, end - start));
    start = end + 1;
  }
}

void Options::positional(const std::string& name, Text& to) {
  app_.add_option(name, [&to](const CLI::results_t& results) {
    to = results.back();
    return true;
  });
}

void Options::value(const std::string& flags, Text& to) {
  remember(flags);
  positional(flags, to);
}

void Options::values(const std::string& flags, std::vector<std::string>& to) {
  remember(flags);
  app_.add_option(flags,
                  [&to](const CLI::results_t& results) {
                    to = results;
                    return true;
                  })
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);  // else it takes the positional after its value as well
}

void Options::flag(const std::string& flags, bool& to) {
  remember(flags);
  app_.add_flag_callback(flags, [&to] { to = true; })->disable_flag_override();
}

const std::string& needed(const Text& text, std::string_view command, std::string_view name) {
  if (text) return *text;
  throw core::ConfigError(core::message(command, "expected " + std::string(name), "nothing",
                                        "flowfit " + std::string(command) + " --help shows how to call it"));
}

std::int64_t whole_number(std::string_view flag, const std::string& text, std::int64_t low, std::int64_t high) {
  if (const std::optional<std::int64_t> value = core::parse_integer(text, low, high)) return *value;
  const std::string range = high == std::numeric_limits<std::int64_t>::max()
                                ? "of at least " + std::to_string(low)
                                : "in [" + std::to_string(low) + ", " + std::to_string(high) + "]";
  throw core::ConfigError(core::message(flag, "expected a whole number " + range, core::quoted(text)));
}

std::uint64_t seed_number(std::string_view flag, const std::string& text) {
  if (const std::optional<std::uint64_t> value = core::parse_unsigned(text)) return *value;
  throw core::ConfigError(core::message(flag, "expected a whole number in [0, 18446744073709551615]", core::quoted(text)));
}

double positive_number(std::string_view flag, const std::string& text) {
  const std::optional<double> value = core::parse_number(text);
  if (value && *value > 0) return *value;
  throw core::ConfigError(core::message(flag, "expected a number > 0", core::quoted(text)));
}

std::size_t choice(std::string_view flag, const std::string& text, const std::vector<std::string>& allowed) {
  const auto found = std::find(allowed.begin(), allowed.end(), text);
  if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  throw core::ConfigError(
      core::message(flag, "expected one of " + core::joined(allowed), core::quoted(text), core::suggestion(text, allowed)));
}

char delimiter_option(const Text& text) {
  if (!text) return 0;
  constexpr std::pair<std::string_view, char> words[] = {{"comma", ','}, {"tab", '\t'}, {"semicolon", ';'}, {"pipe", '|'}};
  for (const auto& [word, character] : words)
    if (*text == word) return character;
  // A character that no number or quote is made of.
  constexpr std::string_view allowed = ",;|\t:!#$%&*/<=>@^_~";
  if (text->size() == 1 && allowed.find(text->front()) != std::string_view::npos) return text->front();
  throw core::ConfigError(
      core::message("--delimiter", "expected comma, tab, semicolon, pipe or one such character", core::quoted(*text)));
}

void refuse_overwriting(const std::string& output, const std::string& input) {
  const std::string to = output == "-" ? "/dev/stdout" : output, from = input == "-" ? "/dev/stdin" : input;
  std::error_code none;
  if (!std::filesystem::is_regular_file(from, none) || !core::same_file(to, from)) return;
  throw core::ConfigError((output == "-" ? "standard output" : output) + ": is the input " + (input == "-" ? "stdin" : input) +
                          " too; write to another file");
}

}  // namespace flowfit::commands
