// Starting values of a whole-vector transform drawn at random, the same whether they are tensors or a network's bias.
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

}  // namespace flowfit::transforms
