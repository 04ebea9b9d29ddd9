// The command line as a whole: finds the command, reads the flags, turns errors into lines and exit codes.
#pragma once

#include <string>
#include <vector>

namespace flowfit::app {

/// Runs one call; `arguments` without the program's name. Returns the exit code.
int run(std::vector<std::string> arguments);

}  // namespace flowfit::app
