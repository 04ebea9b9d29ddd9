// What `--help` prints, and the same text read back.
#include "commands/help.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace flowfit::commands {
namespace {

constexpr std::string_view overview = R"(flowfit fits normalizing flows to tables: densities of CSV data, from the command line.

usage: flowfit COMMAND [ARGUMENTS]

Fit
  init      print a config for a table: kinds of columns, a flow of its size
  train     fit a JSON config to a CSV; writes a run folder
  cv        cross-validate a config: its mean score on rows held out, fold by fold
  check     find what is wrong with a config and its data, or with a model

Use a model (a run folder, or a .safetensors file)
  sample    draw rows
  impute    fill missing cells by draws given the others
  logprob   score rows: the log-density of each, in nats
  evaluate  the mean log-density of a table, with its standard error
  compare   which of two models scores a table better
  encode    map rows to the base distribution
  decode    map rows of the base distribution back
  inspect   show what a model is: layers, columns, training
  plot      draw one picture of it
  report    write a page about it beside a table: scores and pictures, in one HTML file

Learn
  help        this text, or that of a command
  manual      the same as manual pages
  completion  what bash, zsh or fish need to complete a command line
)";

constexpr std::string_view common = R"(
Options of every command, before or after its name
  -j, --threads N     worker threads (default: one a CPU); never changes a result
  -q, --quiet         no notices and no progress on standard error, only warnings and errors
  -v, --verbose       more notices: of a training, a line for each evaluation
      --progress auto|bar|plain|none
                      of a training (default: auto, a bar on a terminal and plain lines elsewhere)
      --version       version, compiler, instruction set, commit, libraries
  -h, --help          this text
)";

constexpr std::string_view first_steps = R"(
Example
  flowfit train configs/circles.json data/circles.csv -o runs/circles
  flowfit sample runs/circles -n 1000 > samples.csv
  flowfit logprob runs/circles data/circles.csv > scores.csv

Data goes to standard output, everything else to standard error. "flowfit COMMAND --help" says more about a command.
)";

std::string exit_text() {
  constexpr std::size_t width = 118;
  std::string text = "Exit codes:", line = text;
  for (const ExitCode& one : exit_codes()) {
    const std::string part = std::string(one.code) + " " + one.meaning + (&one == &exit_codes().back() ? "." : ",");
    const bool wrap = line.size() + 1 + part.size() > width;
    line = wrap ? part : line + " " + part;
    text += (wrap ? "\n" : " ") + part;
  }
  return text + "\n";
}

std::size_t indent_of(const std::string& line) { return std::min(line.find_first_not_of(' '), line.size()); }

// A title stands alone above lines that are indented.
bool is_title(const std::vector<std::string>& lines, std::size_t at) {
  const std::string& line = lines[at];
  return !line.empty() && line[0] != ' ' && std::string_view(".,:;").find(line.back()) == std::string_view::npos &&
         (at == 0 || lines[at - 1].empty()) && at + 1 < lines.size() && indent_of(lines[at + 1]) > 0;
}

}  // namespace

std::string_view common_options() { return common; }

std::string overview_text() { return std::string(overview) + std::string(common) + std::string(first_steps) + exit_text(); }

std::string help_text(const Command& one) { return std::string(one.help()) + std::string(common); }

const std::vector<ExitCode>& exit_codes() {
  static const std::vector<ExitCode> codes = {{"0", "ok"},
                                              {"1", "other failure"},
                                              {"2", "usage or config"},
                                              {"3", "data"},
                                              {"4", "model file"},
                                              {"5", "training diverged"},
                                              {"6", "input or output"},
                                              {"7", "a check failed"},
                                              {"130 and 143", "stopped by a signal after a checkpoint"}};
  return codes;
}

// The words of `bar|plain|none`.
std::vector<std::string> choices_of(const std::string& word) {
  const auto odd = [](char c) { return c != '|' && std::islower(static_cast<unsigned char>(c)) == 0; };
  if (word.find('|') == std::string::npos || std::ranges::any_of(word, odd)) return {};
  std::vector<std::string> choices;
  std::istringstream parts(word);
  for (std::string part; std::getline(parts, part, '|');) choices.push_back(part);
  return choices;
}

HelpPage help_page(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  HelpPage page{{}, {{}}};
  constexpr std::string_view mark = "usage: ";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with(mark)) {
      for (; i < lines.size() && !lines[i].empty(); ++i) page.usage.push_back(lines[i].substr(mark.size()));
    } else if (is_title(lines, i)) {
      page.sections.push_back({lines[i], {}});
    } else {
      page.sections.back().lines.push_back(lines[i]);
    }
  }
  return page;
}

bool read_row(const std::vector<std::string>& lines, std::size_t& at, HelpRow& row) {
  const std::string& line = lines[at];
  const std::size_t start = indent_of(line);
  if (start == 0) return false;
  const std::size_t end = line.find("  ", start);  // two blanks end the term
  std::size_t column = end == std::string::npos ? end : line.find_first_not_of(' ', end);
  if (column != std::string::npos) {
    row = {line.substr(start, end - start), {}, "", {}, line.substr(column)};
  } else {  // a long option, and its text on the next line
    if (line[start] != '-' || at + 1 == lines.size() || indent_of(lines[at + 1]) <= start) return false;
    column = indent_of(lines[++at]);
    row = {line.substr(start), {}, "", {}, lines[at].substr(column)};
  }
  std::istringstream words(row.term);
  for (std::string word; words >> word;) {
    if (word[0] != '-')
      row.value = word;
    else
      row.flags.push_back(word.ends_with(',') ? word.substr(0, word.size() - 1) : word);
  }
  row.choices = choices_of(row.value);
  for (++at; at < lines.size() && !lines[at].empty() && indent_of(lines[at]) >= column; ++at)
    row.text += " " + lines[at].substr(indent_of(lines[at]));
  return true;
}

std::vector<HelpRow> help_options(std::string_view text) {
  std::vector<HelpRow> found;
  for (const HelpSection& section : help_page(text).sections)
    for (std::size_t at = 0; at < section.lines.size();) {
      HelpRow row;
      if (!read_row(section.lines, at, row))
        ++at;
      else if (!row.flags.empty())
        found.push_back(std::move(row));
    }
  return found;
}

std::vector<HelpRow> command_summaries() {
  std::vector<HelpRow> found;
  for (const HelpSection& section : help_page(overview).sections)
    for (std::size_t at = 0; at < section.lines.size();) {
      HelpRow row;
      if (read_row(section.lines, at, row))
        found.push_back(std::move(row));
      else
        ++at;
    }
  return found;
}

std::vector<std::string> argument_choices(const HelpPage& page) {
  std::istringstream words(page.usage.empty() ? "" : page.usage.front());
  std::string word;
  words >> word >> word >> word;  // flowfit, the command, its first argument
  if (word == "[COMMAND]") {
    std::vector<std::string> names;
    for (const HelpRow& row : command_summaries()) names.push_back(row.term);
    return names;
  }
  return choices_of(word);
}

}  // namespace flowfit::commands
