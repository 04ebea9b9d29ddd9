// JSON text, strictly: duplicate keys, depth, overflow and encoding are errors with a place.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace flowfit::config {

using Json = nlohmann::ordered_json;  ///< keeps the order in which a person wrote the keys

/// Parses one JSON document. `source` (a file name, `--set`, …) begins every message. Throws core::ConfigError for: a syntax error
/// (`circles.json:3:17: …`), a duplicate key, nesting deeper than 64, a number outside double (1e400), bytes that are not UTF-8.
Json parse_json(std::string_view text, std::string_view source);

/// Compact (`indent` < 0) or indented text. Doubles shortest round-trip; a non-finite number throws std::logic_error (it is our bug).
std::string print_json(const Json& value, int indent = -1);

/// JSON has no infinity: what is no finite number is null.
Json number_or_null(const std::optional<double>& value);

}  // namespace flowfit::config
