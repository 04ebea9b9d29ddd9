// What encode and decode share: a table in, a table of the same columns out.
#pragma once

#include <string>

#include "commands/command.h"

namespace flowfit::commands {

enum class Direction { encode, decode };

/// What is asked for: names as on the command line.
struct Mapping {
  std::string model, input, output;
  bool log_det = false;
  char delimiter = 0;  ///< see data::ReadOptions
};

/// Maps the model's columns of `input`; context columns go through unchanged, so that one command reads what the other wrote: in front, or in a .npy behind.
int map_table(Direction direction, const Mapping& call, const Context& context);

}  // namespace flowfit::commands
