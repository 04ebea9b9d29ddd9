// How many Householder reflections a layer has, and where they start.
#pragma once

#include <vector>

#include "transforms/transform.h"

namespace flowfit::transforms {

/// Reads "reflections": an even number. Default: D or D − 1, which is enough for every rotation (at least 2).
int read_reflections(const config::Node& node, const Build& build);

/// `count` unit vectors of D numbers, one after the other, drawn by the seed and the layer's place in pairs of equal ones: each pair is the identity, and
/// its two members get opposite gradients, so they part. `stream` tells the products of one layer apart.
std::vector<double> paired_reflections(const Build& build, int count, std::uint64_t stream = 0);

}  // namespace flowfit::transforms
