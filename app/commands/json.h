// What the commands that answer in JSON share.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/file.h"

namespace flowfit::commands {

/// JSON has no infinity: what is not a number is null.
inline config::Json number_or_null(double value) { return std::isfinite(value) ? config::Json(value) : config::Json(); }

/// To standard output, whole or not at all.
inline void print(const std::string& text) {
  core::Output out("-");
  out.buffer() += text;
  out.close();
}
inline void print_line(const config::Json& json) { print(config::print_json(json) + "\n"); }

}  // namespace flowfit::commands
