// flowfit impute: fills missing cells by draws given the row's other cells.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Impute final : public Command {
 public:
  std::string_view name() const override { return "impute"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, file_, seed_, candidates_, output_, delimiter_;
};

}  // namespace flowfit::commands
