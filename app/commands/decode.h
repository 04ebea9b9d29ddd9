// flowfit decode: maps rows of the base distribution to data.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Decode final : public Command {
 public:
  std::string_view name() const override { return "decode"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, file_, output_, delimiter_;
  bool log_det_ = false;
};

}  // namespace flowfit::commands
