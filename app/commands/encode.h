// flowfit encode: maps rows to the base distribution.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Encode final : public Command {
 public:
  std::string_view name() const override { return "encode"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, file_, output_, delimiter_;
  bool log_det_ = false;
};

}  // namespace flowfit::commands
