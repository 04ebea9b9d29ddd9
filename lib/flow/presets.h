// Presets: a layer type that stands for the stack of a paper.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/json.h"

namespace flowfit::flow {

/// One layer of a preset, and where its options were written: JSON pointer inside the layer → key of the preset.
struct PresetLayer {
  config::Json layer;
  std::vector<std::pair<std::string, std::string>> options;
};

/// The words that are presets, in the order of the docs.
std::span<const std::string> presets();

/// The plain layers that the preset `written` (its "type" is one of presets()) stands for, from the base to the data. What an option says is read by
/// the layer that it is handed to. Throws core::ConfigError with paths below `path` for a key that the preset does not have, or a bad "transforms".
std::vector<PresetLayer> write_out(const config::Json& written, const std::string& path);

}  // namespace flowfit::flow
