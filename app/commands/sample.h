// flowfit sample: draws rows from a model.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Sample final : public Command {
 public:
  std::string_view name() const override { return "sample"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, count_, seed_, output_, delimiter_;
  std::vector<std::string> given_;
};

}  // namespace flowfit::commands
