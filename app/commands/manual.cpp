// flowfit manual: the manual pages, in roff, made from the help texts.
#include "commands/manual.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "commands/help.h"
#include "core/build.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

namespace flowfit::commands {
namespace {

// A line of text that roff leaves as it is: no requests, no hyphens for minus signs, no quotes that are typographic.
std::string plain(std::string_view line) {
  std::string out;
  if (line.starts_with('.') || line.starts_with('\'')) out = "\\&";
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto c = line[i];
    if (const auto lead = static_cast<unsigned char>(c); lead >= 0xC0) {  // a character of UTF-8, by its number
      const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
      unsigned number = lead & (0x3Fu >> more);
      for (int k = 0; k < more; ++k) number = number << 6 | (static_cast<unsigned char>(line[++i]) & 0x3Fu);
      char text[16];
      std::snprintf(text, sizeof text, "\\[u%04X]", number);
      out += text;
      continue;
    }
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

std::string tagged(const std::string& term, const std::string& text) {
  return ".TP\n.B " + plain(term) + "\n" + plain(text) + "\n";
}

// Paragraphs and rows; `rows` and `rest` are where each goes, so that a text behind the options goes to the description.
void render(const std::vector<std::string>& lines, std::string& rows, std::string& rest) {
  bool begins = false;  // a paragraph: the first needs no request
  for (std::size_t at = 0; at < lines.size();) {
    HelpRow row;
    if (lines[at].empty()) {
      begins = true;
      ++at;
    } else if (read_row(lines, at, row)) {
      rows += tagged(row.term, row.text);
      begins = true;
    } else {
      if (begins && !rest.empty()) rest += ".PP\n";
      begins = false;
      rest += plain(lines[at].substr(lines[at].find_first_not_of(' '))) + "\n";
      ++at;
    }
  }
}

std::string verbatim(const std::vector<std::string>& lines) {
  std::string text = ".nf\n";
  for (const std::string& line : lines)
    if (!line.empty()) text += plain(line.substr(std::min<std::size_t>(2, line.size()))) + "\n";
  return text + ".fi\n";
}

// `name`: flowfit or flowfit-train.
std::string page_of(const std::string& name, const std::string& summary, std::string_view help, const std::string& see) {
  std::string description, options, examples;
  const HelpPage page = help_page(help);
  for (const HelpSection& section : page.sections) {
    if (section.title.starts_with("Example")) {
      std::vector<std::string> calls, text;
      for (const std::string& line : section.lines) (line.starts_with(" ") ? calls : text).push_back(line);
      examples += verbatim(calls);
      render(text, description, description);
    } else if (section.title.starts_with("Options")) {
      render(section.lines, options, description);
    } else {
      if (!section.title.empty()) description += ".SS " + plain(section.title) + "\n";
      render(section.lines, description, description);
    }
  }
  std::string text = ".TH " + upper(plain(name)) + " 1 \"\" \"flowfit " + core::version() + "\" \"flowfit\"\n";
  text += ".SH NAME\n" + plain(name) + " \\- " + plain(summary) + "\n.SH SYNOPSIS\n.nf\n";
  for (const std::string& usage : page.usage)
    text += plain(usage.substr(std::min(usage.find_first_not_of(' '), usage.size()))) + "\n";
  text += ".fi\n.SH DESCRIPTION\n" + description + ".SH OPTIONS\n" + options;
  if (!examples.empty()) text += ".SH EXAMPLES\n" + examples;
  text += ".SH EXIT STATUS\n";
  for (const ExitCode& one : exit_codes()) text += tagged(one.code, one.meaning);
  return text + ".SH SEE ALSO\n" + see;
}

std::vector<std::string> page_names() {
  std::vector<std::string> names = {"flowfit"};
  for (const auto& command : all_commands()) names.push_back("flowfit-" + std::string(command->name()));
  return names;
}

std::string page(const std::string& name) {
  std::string others;
  for (const std::string& other : page_names())
    if (other != name) others += (others.empty() ? "" : ",\n") + std::string(".BR ") + plain(other) + " (1)";
  others += "\n";
  if (name == "flowfit") return page_of(name, "fit normalizing flows to tables", overview_text(), others);
  const std::string command_name = name.substr(std::string("flowfit-").size());
  const std::vector<std::unique_ptr<Command>> all = all_commands();
  const auto command = std::ranges::find_if(all, [&](const auto& one) { return one->name() == command_name; });
  if (command == all.end())
    throw core::ConfigError("COMMAND: expected a command, got " + core::quoted(command_name) + "; flowfit --help lists them");
  std::string summary;
  for (const HelpRow& row : command_summaries())
    if (row.term == command_name) summary = row.text;
  return page_of(name, summary, help_text(**command), others);
}

}  // namespace

std::string_view Manual::help() const {
  return R"(usage: flowfit manual [COMMAND]
       flowfit manual -o DIR

Prints the manual page of a command, or of flowfit as a whole, in the language of man. With -o, writes all of them into DIR, as
flowfit.1 and flowfit-COMMAND.1; an installed flowfit has brought them where man looks.

Options
  -o, --output DIR   write every page into this folder, which is made when it is not there

Examples
  flowfit manual train | man -l -
  flowfit manual -o ~/.local/share/man/man1
)";
}

void Manual::options(Options& options) {
  options.positional("COMMAND", command_);
  options.value("-o,--output", output_);
}

int Manual::run(const Context&) {
  if (!output_) {
    core::Output out("-");
    out.buffer() = page(command_ ? "flowfit-" + *command_ : "flowfit");
    out.close();
    return 0;
  }
  if (command_) throw core::ConfigError("--output: expected without COMMAND; it writes all pages");
  std::error_code error;
  std::filesystem::create_directories(*output_, error);
  if (error) throw core::IoError(*output_ + ": cannot be made: " + error.message());
  for (const std::string& name : page_names()) {
    core::Output out((std::filesystem::path(*output_) / (name + ".1")).string());
    out.buffer() = page(name);
    out.close();
  }
  return 0;
}

}  // namespace flowfit::commands
