// flowfit inspect: shows what a model is.
#pragma once

#include <string>

#include "commands/command.h"
#include "flow/model.h"

namespace flowfit::commands {

/// What a person reads about the model in the file `path`: columns, layers, training.
std::string description(const std::string& path, const flow::Model& model);

class Inspect final : public Command {
 public:
  std::string_view name() const override { return "inspect"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  Text model_;
  bool json_ = false;
};

}  // namespace flowfit::commands
