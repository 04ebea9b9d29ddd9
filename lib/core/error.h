// The errors a user can meet, one type for each exit code of the command line.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace flowfit::core {

/// Exit codes of the command line. Signals add 130 (SIGINT) and 143 (SIGTERM).
enum class Exit { ok = 0, failure = 1, usage = 2, data = 3, model = 4, diverged = 5, io = 6, check = 7 };

/// Base of all typed errors. `what()` is complete and ready for a person: `<where>: <expected>, got <value>; <hint>`.
class Error : public std::runtime_error {
 public:
  Error(Exit exit, const std::string& message) : std::runtime_error(message), exit_(exit) {}
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

template <Exit code>
class ErrorWith : public Error {
 public:
  explicit ErrorWith(const std::string& message) : Error(code, message) {}
};

using ConfigError = ErrorWith<Exit::usage>;       ///< a flag, a config key, a request that cannot be met
using DataError = ErrorWith<Exit::data>;          ///< a cell, a row, a column
using ModelError = ErrorWith<Exit::model>;        ///< a model file that is damaged or does not fit
using DivergedError = ErrorWith<Exit::diverged>;  ///< training left the numbers
using IoError = ErrorWith<Exit::io>;              ///< disk, permissions, pipe

/// `<where>: <expected>, got <value>; <hint>`; empty parts are left out.
std::string message(std::string_view where, std::string_view expected, std::string_view got, std::string_view hint = {});

}  // namespace flowfit::core
