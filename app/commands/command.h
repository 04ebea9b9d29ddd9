// What every command is: a name, a help text, options and run().
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "commands/options.h"
#include "terminal/context.h"

namespace flowfit::commands {

using terminal::Context;

class Command {
 public:
  virtual ~Command() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view help() const = 0;  ///< the whole text of `flowfit <name> --help`, without the common options
  virtual void options(Options& options) = 0;
  /// Returns the exit code, or throws.
  virtual int run(const Context& context) = 0;
};

/// All commands, in the order of the help text.
std::vector<std::unique_ptr<Command>> all_commands();

}  // namespace flowfit::commands
