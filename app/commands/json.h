// What the commands that answer in JSON share.
#pragma once

#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/file.h"

namespace flowfit::commands {

using config::number_or_null;

/// To standard output, whole or not at all.
inline void print(const std::string& text) {
  core::Output out("-");
  out.buffer() += text;
  out.close();
}
inline void print_line(const config::Json& json) { print(config::print_json(json) + "\n"); }

}  // namespace flowfit::commands
