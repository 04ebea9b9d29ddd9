// An order of columns from a config: by name, or a list; random ones become lists in the resolved config.
#pragma once

#include <vector>

#include "config/node.h"
#include "transforms/transform.h"

namespace flowfit::transforms {

/// Reads "order": "given", "reverse", "random", or a list that holds 0 … D−1 once each. A random order is drawn from the seed and the layer's place, and
/// written into the resolved config, so that the model file has it.
std::vector<int> read_order(const config::Node& node, std::string_view fallback, const Build& build);

/// where[order[i]] = i.
std::vector<int> inverse_order(const std::vector<int>& order);

}  // namespace flowfit::transforms
