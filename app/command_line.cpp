// Finds the command, reads the flags, turns errors into lines and exit codes.
#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <thread>

#include "commands/command.h"
#include "commands/help.h"
#include "commit.h"
#include "core/build.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "terminal/log.h"
#include "terminal/signals.h"

namespace flowfit::app {
namespace {

std::string version_text() {
  std::string text = std::string("flowfit ") + core::version() + " (" + core::compiler() + ", " + core::instruction_set() + ")\n";
  if (!commit().empty()) text += "commit " + std::string(commit()) + "\n";
  return text + "with " + core::libraries() + "; matrix products of its own, no BLAS\n";
}

int print(const std::string& text) {
  core::Output out("-");
  out.buffer() += text;
  out.close();
  return 0;
}

struct Common {
  bool help = false, version = false, quiet = false, verbose = false;
  commands::Text threads, progress;
};

terminal::Context context_of(const Common& common) {
  terminal::Context context;
  constexpr int most_threads = 1024;
  context.threads = common.threads ? static_cast<int>(commands::whole_number("--threads", *common.threads, 1, most_threads))
                                   : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
  context.quiet = common.quiet;
  context.verbose = common.verbose;
  if (common.progress)
    context.progress =
        static_cast<terminal::ProgressStyle>(commands::choice("--progress", *common.progress, {"auto", "bar", "plain", "none"}));
  if (common.quiet && common.verbose) throw core::ConfigError("--quiet: expected without --verbose; give one of them");
  return context;
}

// CLI11 knows what went wrong, but says it in its own way: `--seed: 1 required TEXT missing`.
std::string plain_words(const CLI::ParseError& error) {
  std::string text = error.what();
  const std::string flag = text.substr(0, text.find_first_of(": "));
  const auto has = [&text](const char* word) { return text.find(word) != std::string::npos; };
  if (has("flag override")) return "--" + flag + ": expected no value after it";
  if (!flag.starts_with("-")) return text;
  if (has("received")) return flag + ": expected once, got it several times";
  if (has("missing")) return core::message(flag, "expected a value after it", "nothing");
  return text;
}

std::string how_to_call(const commands::Command* command) {
  return "; flowfit " + (command ? std::string(command->name()) + " " : "") + "--help shows how to call it";
}

// The end of a message about an option that is not there.
std::string option_hint(const std::string& name, const commands::Command* command, const commands::Options& options,
                        const std::vector<commands::Options>& own) {
  const auto knows = [&name](const commands::Options& some) {
    return std::ranges::find(some.flags(), name) != some.flags().end();
  };
  if (knows(options) || (!command && std::ranges::any_of(own, knows))) return "; write it after the command's name";
  const std::string near = name.starts_with("--") ? core::closest(name, options.flags()) : "";
  return near.empty() ? how_to_call(command) : "; did you mean " + core::quoted(near) + "?";
}

// What CLI11 could not place: an unknown command, an unknown flag, or one argument too many. `options`: those known here.
void refuse_leftovers(const std::vector<std::string>& left, const commands::Command* command, const commands::Options& options,
                      const std::vector<std::unique_ptr<commands::Command>>& all, const std::vector<commands::Options>& own) {
  if (left.empty()) return;
  const auto is_flag = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
  if (!command && !is_flag(left.front())) {
    std::vector<std::string> names;
    names.reserve(all.size());
    for (const auto& one : all) names.emplace_back(one->name());
    throw core::ConfigError("unknown command " + core::quoted(left.front()) + "; " + core::suggestion(left.front(), names));
  }
  if (const auto flag = std::ranges::find_if(left, is_flag); flag != left.end()) {
    const std::string name = flag->substr(0, flag->find('='));
    throw core::ConfigError("unknown option " + core::quoted(name) + option_hint(name, command, options, own));
  }
  throw core::ConfigError("unexpected argument " + core::quoted(left.front()) + how_to_call(command));
}

int dispatch(std::vector<std::string> arguments) {
  // `flowfit help train` is what some people type first.
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  const std::vector<std::unique_ptr<commands::Command>> all = commands::all_commands();
  CLI::App parser;
  parser.set_help_flag();
  parser.allow_extras();
  parser.require_subcommand(0, 1);
  Common common;
  commands::Options options(parser);
  options.flag("-h,--help", common.help);
  options.flag("--version", common.version);
  options.flag("-q,--quiet", common.quiet);
  options.flag("-v,--verbose", common.verbose);
  options.value("-j,--threads", common.threads);
  options.value("--progress", common.progress);
  std::vector<commands::Options> own;
  for (const auto& command : all) {
    CLI::App* const sub = parser.add_subcommand(std::string(command->name()));
    sub->set_help_flag();
    sub->fallthrough();
    own.emplace_back(*sub);
    command->options(own.back());
  }
  const bool empty = arguments.empty();
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    parser.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (!common.help) throw core::ConfigError(plain_words(error));
  }
  commands::Command* chosen = nullptr;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!parser.got_subcommand(std::string(all[i]->name()))) continue;
    chosen = all[i].get();
    options.add(own[i]);
  }
  if (common.help && (chosen || parser.remaining().empty()))
    return print(chosen ? commands::help_text(*chosen) : commands::overview_text());
  if (common.version) return print(version_text());
  refuse_leftovers(parser.remaining(true), chosen, options, all, own);
  const terminal::Context context = context_of(common);
  terminal::configure_log(common.quiet, common.verbose);
  if (!chosen) {
    if (empty) {
      std::fputs(commands::overview_text().c_str(), stderr);
      return static_cast<int>(core::Exit::usage);
    }
    throw core::ConfigError("expected a command, got none; flowfit --help lists them");
  }
  return chosen->run(context);
}

}  // namespace

int run(std::vector<std::string> arguments) {
  terminal::refuse_size_signal();
  try {
    return dispatch(std::move(arguments));
  } catch (const terminal::Stopped& stopped) {
    std::raise(stopped.signal);  // a second one kills: the shell sees what it expects
  } catch (const core::Error& error) {
    terminal::error(error.what());
    return static_cast<int>(error.exit());
  } catch (const std::bad_alloc&) {
    terminal::error("out of memory; use fewer rows, a smaller batch or a smaller network");
  } catch (const std::exception& error) {
    terminal::error(error.what());
  }
  return static_cast<int>(core::Exit::failure);
}

}  // namespace flowfit::app
