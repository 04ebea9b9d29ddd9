// Layers that stand for other layers, written out before a config is read: `repeat` and the presets.
#pragma once

#include "config/json.h"
#include "config/node.h"

namespace flowfit::flow {

/// A document of `config` in which every {"type": "repeat", "times": n, "layers": […]} of a "flow" is replaced by its layers, n times, each
/// with parameters of its own, and every preset (flow/presets.h) by its stack. Messages keep the paths of the text as written. Throws core::ConfigError for a malformed repeat or preset.
config::Document expand(const config::Json& config);

}  // namespace flowfit::flow
