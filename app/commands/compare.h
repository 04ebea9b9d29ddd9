// flowfit compare: which of two models scores a table better, and how sure that is.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Compare final : public Command {
 public:
  std::string_view name() const override { return "compare"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text a_, b_, file_, tolerance_, delimiter_;
  bool json_ = false;
};

}  // namespace flowfit::commands
