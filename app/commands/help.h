// What `--help` prints, and the same text read back: completion scripts and manual pages are made from it, so that nothing is said twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/command.h"

namespace flowfit::commands {

std::string overview_text();                ///< `flowfit --help`
std::string help_text(const Command& one);  ///< `flowfit COMMAND --help`
std::string_view common_options();          ///< the part of it that is the same for every command

struct ExitCode {
  const char* code;
  const char* meaning;
};
const std::vector<ExitCode>& exit_codes();

/// `  -o, --output DIR   run folder`, with the lines that go on below it, or with all of the text there; of anything that is no option, `flags`
/// is empty.
struct HelpRow {
  std::string term;                  ///< `-o, --output DIR`
  std::vector<std::string> flags;    ///< `-o`, `--output`
  std::string value;                 ///< `DIR`; empty for a flag
  std::vector<std::string> choices;  ///< the words that the value can be, of a value `bar|plain`; none: anything
  std::string text;                  ///< in one line
};

/// A text as its parts: `usage:` lines, then sections; the first section has no title.
struct HelpSection {
  std::string title;
  std::vector<std::string> lines;
};
struct HelpPage {
  std::vector<std::string> usage;  ///< without `usage:`
  std::vector<HelpSection> sections;
};
HelpPage help_page(std::string_view text);

/// Reads the row that starts at `lines[at]`, and moves `at` behind it; false, and `at` as it was, where no row starts.
bool read_row(const std::vector<std::string>& lines, std::size_t& at, HelpRow& row);
/// The options among the rows of a text.
std::vector<HelpRow> help_options(std::string_view text);
/// Each command's one line of the overview, in its order.
std::vector<HelpRow> command_summaries();
/// The words that the usage offers for the first argument (`bash|zsh|fish`), or none.
std::vector<std::string> argument_choices(const HelpPage& page);

}  // namespace flowfit::commands
