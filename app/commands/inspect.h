// flowfit inspect: shows what a model is.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Inspect final : public Command {
 public:
  std::string_view name() const override { return "inspect"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_;
  bool json_ = false;
};

}  // namespace flowfit::commands
