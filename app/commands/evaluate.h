// flowfit evaluate: the mean log-density of a table, as JSON.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Evaluate final : public Command {
 public:
  std::string_view name() const override { return "evaluate"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, file_, weight_, invalid_, delimiter_;
};

}  // namespace flowfit::commands
