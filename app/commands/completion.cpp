// flowfit completion: scripts for bash, zsh and fish, made from the help texts.
#include "commands/completion.h"

#include <algorithm>

#include "commands/help.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

namespace flowfit::commands {
namespace {

/// A command as a shell sees it.
struct Entry {
  std::string name, summary;
  std::vector<HelpRow> options;      // the common ones too
  std::vector<std::string> choices;  // of the first argument; none: files
};

std::vector<Entry> entries() {
  const std::vector<std::unique_ptr<Command>> all = all_commands();
  const std::vector<HelpRow> common = help_options(common_options());
  std::vector<Entry> found;
  for (const HelpRow& row : command_summaries()) {
    Entry entry{row.term, row.text, common, {}};
    const auto command = std::ranges::find_if(all, [&row](const auto& one) { return one->name() == row.term; });
    if (command != all.end()) {
      const std::vector<HelpRow> own = help_options((*command)->help());
      entry.options.insert(entry.options.begin(), own.begin(), own.end());
      entry.choices = argument_choices(help_page((*command)->help()));
    } else {  // `help` is no command of its own
      entry.choices = argument_choices({{"flowfit help [COMMAND]"}, {}});
    }
    found.push_back(std::move(entry));
  }
  return found;
}

std::string words(const std::vector<std::string>& all) { return core::joined(all, " "); }

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const HelpRow& row : command_summaries()) found.push_back(row.term);
  return found;
}

// `text` with a backslash before each of `special`.
std::string escaped(const std::string& text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// In single quotes, for bash and zsh.
std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string bash() {
  std::string text = R"(# bash completion for flowfit, made by: flowfit completion bash
_flowfit() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' options choices='' valued values='' word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case $word in
      )" + core::joined(names(), " | ") +
                     R"() command=$word; break ;;
    esac
  done
  case $command in
)";
  const auto one = [&text](const std::string& name, const std::vector<HelpRow>& options,
                           const std::vector<std::string>& choices) {
    std::vector<std::string> flags, valued;
    for (const HelpRow& option : options) {
      flags.insert(flags.end(), option.flags.begin(), option.flags.end());
      if (!option.value.empty()) valued.insert(valued.end(), option.flags.begin(), option.flags.end());
    }
    text += "    " + name + ")\n      options='" + words(flags) + "'\n      valued='" + words(valued) + "'\n";
    std::string of_values;
    for (const HelpRow& option : options)
      if (!option.choices.empty())
        of_values += core::joined(option.flags, " | ") + ") values='" + words(option.choices) + "' ;; ";
    if (!of_values.empty()) text += "      case $previous in " + of_values + "esac\n";
    if (!choices.empty()) text += "      choices='" + words(choices) + "'\n";
    text += "      ;;\n";
  };
  for (const Entry& entry : entries()) one(entry.name, entry.options, entry.choices);
  one("*", help_options(common_options()), names());
  text += R"(  esac
  COMPREPLY=()
  if [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  elif [[ " $valued " == *" $previous "* ]]; then
    return  # its value: files, by the default
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $choices ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
  fi
}
complete -o default -o bashdefault -F _flowfit flowfit
)";
  return text;
}

std::string zsh() {
  // In a specification `:` parts fields and `]` ends a description.
  const auto option_lines = [](const std::vector<HelpRow>& options) {
    std::string lines;
    for (const HelpRow& option : options)
      for (const std::string& flag : option.flags) {
        std::string spec = "*" + flag + "[" + escaped(option.text, "[]:\\") + "]";
        if (!option.choices.empty())
          spec += ":value:(" + words(option.choices) + ")";
        else if (!option.value.empty())
          spec += ":" + option.value + ":_files";
        lines += " \\\n        " + shell_quoted(spec);
      }
    return lines;
  };
  std::string text =
      "#compdef flowfit\n# zsh completion for flowfit, made by: flowfit completion zsh\n_flowfit() {\n  local -a commands=(\n";
  for (const HelpRow& row : command_summaries()) text += "    " + shell_quoted(row.term + ":" + escaped(row.text, ":\\")) + "\n";
  text += R"(  )
  local command=${words[(r)()" +
          core::joined(names(), "|") + R"()]}
  if [[ -n $command && $words[CURRENT] == $command ]]; then command=''; fi
  case $command in
)";
  for (const Entry& entry : entries())
    text += "    " + entry.name + ")\n      _arguments -S" + option_lines(entry.options) + " \\\n        " +
            (entry.choices.empty() ? "'*:file:_files'" : shell_quoted("*:argument:(" + words(entry.choices) + ")")) +
            "\n      ;;\n";
  text += "    *)\n      _arguments -S" + option_lines(help_options(common_options())) + R"( \
        '*:command:{ _describe command commands }'
      ;;
  esac
}
if [[ $funcstack[1] == _flowfit ]]; then _flowfit "$@"; else compdef _flowfit flowfit; fi
)";
  return text;
}

std::string fish() {
  const auto quoted = [](const std::string& plain) { return "'" + escaped(plain, "'\\") + "'"; };
  std::string text = "# fish completion for flowfit, made by: flowfit completion fish\nset -l commands " + words(names()) + "\n";
  const auto option_line = [&](const std::string& when, const HelpRow& option) {
    text += "complete -c flowfit" + when;
    for (const std::string& flag : option.flags)
      text += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
    if (!option.choices.empty())
      text += " -x -a " + quoted(words(option.choices));
    else if (!option.value.empty())
      text += " -r";
    text += " -d " + quoted(option.text) + "\n";
  };
  for (const HelpRow& option : help_options(common_options())) option_line("", option);
  for (const Entry& entry : entries()) {
    text += "complete -c flowfit -f -n \"not __fish_seen_subcommand_from $commands\" -a " + entry.name + " -d " +
            quoted(entry.summary) + "\n";
    const std::string when = " -n " + quoted("__fish_seen_subcommand_from " + entry.name);
    if (!entry.choices.empty()) text += "complete -c flowfit -f" + when + " -a " + quoted(words(entry.choices)) + "\n";
    const std::size_t own = entry.options.size() - help_options(common_options()).size();
    for (std::size_t i = 0; i < own; ++i) option_line(when, entry.options[i]);
  }
  return text;
}

}  // namespace

std::string_view Completion::help() const {
  return R"(usage: flowfit completion bash|zsh|fish

Prints the script with which a shell completes the commands, options and files of flowfit. An installed flowfit has brought all
three where the shells look for them.

Examples
  source <(flowfit completion bash)
  flowfit completion zsh > ~/.zfunc/_flowfit
  flowfit completion fish > ~/.config/fish/completions/flowfit.fish
)";
}

void Completion::options(Options& options) { options.positional("SHELL", shell_); }

int Completion::run(const Context&) {
  const std::size_t shell = choice("SHELL", needed(shell_, name(), "bash, zsh or fish"), {"bash", "zsh", "fish"});
  core::Output out("-");
  out.buffer() = shell == 0 ? bash() : shell == 1 ? zsh() : fish();
  out.close();
  return 0;
}

}  // namespace flowfit::commands
