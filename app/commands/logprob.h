// flowfit logprob: scores the rows of a table.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Logprob final : public Command {
 public:
  std::string_view name() const override { return "logprob"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, file_, output_, invalid_, calibration_, delimiter_;
  bool append_ = false, per_column_ = false, p_value_ = false;
};

}  // namespace flowfit::commands
