// Reading the number of reflections, and drawing their vectors.
#include "transforms/reflections.h"

#include <algorithm>
#include <cmath>

namespace flowfit::transforms {

int read_reflections(const config::Node& node, const Build& build) {
  const int count = static_cast<int>(node.integer("reflections", std::max(build.features / 2 * 2, 2), 2, 65536));
  if (count % 2 != 0)
    node.error_at("reflections",
                  "must be even, got " + std::to_string(count) + "; pairs start as the identity, an odd one cannot");
  return std::max(count / 2 * 2, 2);
}

std::vector<double> paired_reflections(const Build& build, int count, std::uint64_t stream) {
  const std::size_t n = static_cast<std::size_t>(build.features);
  std::vector<double> all, vector(n);
  const core::RandomKey key{build.seed, core::Purpose::order, build.place};
  for (int pair = 0; pair < count / 2; ++pair) {
    // Orders are drawn from the low rows of this stream.
    key.normals((1ull << 48) + (stream << 32) + static_cast<std::uint64_t>(pair), vector);
    double square = 0;
    for (const double v : vector) square += v * v;
    for (double& v : vector) v /= std::sqrt(square);
    for (int twice = 0; twice < 2; ++twice) all.insert(all.end(), vector.begin(), vector.end());
  }
  return all;
}

}  // namespace flowfit::transforms
