// flowfit check: finds what is wrong with a config and its data, or with a model.
#pragma once

#include "commands/command.h"

namespace flowfit::commands {

class Check final : public Command {
 public:
  std::string_view name() const override { return "check"; }
  std::string_view help() const override;
  void options(Options& options) override;
  int run(const Context& context) override;

 private:
  int check_config(const Context& context);
  int check_model(const Context& context);

  Text subject_, data_, delimiter_;
  bool json_ = false;
};

}  // namespace flowfit::commands
