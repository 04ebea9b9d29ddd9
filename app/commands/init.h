// flowfit init: a config for a table that is all there is to go by.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Init final : public Command {
 public:
  std::string_view name() const override { return "init"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text data_, delimiter_;
};

/// The JSON text that `init` prints for the table at `path`; each column's kind goes to stderr as a notice with its reason. Throws DataError.
std::string advised_config(const std::string& path, char delimiter);

}  // namespace flowfit::commands
