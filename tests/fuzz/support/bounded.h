// Keeps a fuzzer to small models: reading is what is tried, not the machine's memory and patience.
#pragma once

#include <nlohmann/json.hpp>

#include "config/json.h"

namespace flowfit::fuzz {

/// The product of all numbers above 1: a bound for every size that a config can ask for.
inline double sizes(const config::Json& json) {
  if (json.is_number()) return std::max(1.0, json.get<double>());
  double product = 1;
  if (json.is_structured())
    for (const config::Json& part : json) product *= sizes(part);
  return product;
}

inline bool bounded(const config::Json& json) { return sizes(json) <= 1e6; }

}  // namespace flowfit::fuzz
