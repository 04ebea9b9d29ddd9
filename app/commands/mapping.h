// What encode and decode share: a table in, a table of the same columns out.
#pragma once

#include <string>

#include "commands/command.h"

namespace flowfit::commands {

enum class Direction { encode, decode };

/// Maps the model's columns of `input`; context columns go through unchanged, in front, so that one command reads what the other wrote.
int map_table(Direction direction, const std::string& model, const std::string& input, const std::string& output, bool log_det,
              const Context& context);

}  // namespace flowfit::commands
