// flowfit report: a page about a model beside a table.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Report final : public Command {
 public:
  std::string_view name() const override { return "report"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_, data_, output_, delimiter_;
};

}  // namespace flowfit::commands
