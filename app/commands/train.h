// flowfit train: fits a config to a table and writes a run folder.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Train final : public Command {
 public:
  std::string_view name() const override { return "train"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text config_, data_, output_, validation_, seed_, time_limit_, init_, delimiter_;
  std::vector<std::string> assignments_;
  bool resume_ = false, force_ = false, stream_ = false;
};

}  // namespace flowfit::commands
