// flowfit completion: the script with which a shell completes flowfit's commands, options and files.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Completion final : public Command {
 public:
  std::string_view name() const override { return "completion"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text shell_;
};

}  // namespace flowfit::commands
