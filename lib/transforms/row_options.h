// What the whole-row maps read and draw alike: their direction, context for a network that maps the row itself, random starts.
#pragma once

#include <vector>

#include "transforms/transform.h"

namespace flowfit::transforms {

/// `count` normal numbers by the seed and the layer's place; `stream` tells those of one layer apart.
inline std::vector<double> drawn_normals(const Build& build, Index count, double deviation, std::uint64_t stream = 0) {
  std::vector<double> values(static_cast<std::size_t>(count));
  core::RandomKey{build.seed, core::Purpose::initialize, build.place}.normals(stream + 1, values);
  for (double& v : values) v *= deviation;
  return values;
}

/// Which side a map with one analytic direction reads: true for "scoring" (the default), data → base.
inline bool reads_scoring(const config::Node& node) {
  return node.choice("direction", "scoring", {"scoring", "sampling"}) == "scoring";
}

/// How many columns of context a network that maps the row itself sees: none unless "context" is true.
inline int seen_context(const config::Node& node, const Build& build) {
  if (!node.boolean("context", false)) return 0;
  if (build.context == 0) node.error_at("context", "there is no context here; name the columns in data.context, or remove it");
  return build.context;
}

}  // namespace flowfit::transforms
