// flowfit manual: the manual pages, made from the help texts.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Manual final : public Command {
 public:
  std::string_view name() const override { return "manual"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text command_, output_;
};

}  // namespace flowfit::commands
