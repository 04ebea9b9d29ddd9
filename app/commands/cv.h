// flowfit cv: cross-validation of a config.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Cv final : public Command {
 public:
  std::string_view name() const override { return "cv"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text config_, data_, folds_, seed_, output_, delimiter_;
  std::vector<std::string> assignments_;
};

}  // namespace flowfit::commands
