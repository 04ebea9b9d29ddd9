// flowfit plot: one picture of a model.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Plot final : public Command {
 public:
  std::string_view name() const override { return "plot"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, data_, what_, output_, delimiter_;
  std::vector<std::string> columns_;
};

}  // namespace flowfit::commands
