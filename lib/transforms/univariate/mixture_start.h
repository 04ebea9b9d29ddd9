// Where the parts of a mixture start: spread out, and together nearly the identity.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "autodiff/ops/mixture.h"

namespace flowfit::transforms {

inline constexpr double mixture_steepest = 6.907755278982137;  // ln 1e3: the limit of a log steepness
inline constexpr double mixture_least_weight = 1e-3;           // times 1/count: no tail is empty in float32

/// Raw places and raw steepnesses (limits 2·bound and `mixture_steepest`) of `count` units, evenly spread with the variance v, each a little steeper than 1 to make
/// up for that. With v = min(0.09, 0.018·bound) the map and the logarithm of its slope are within 0.045 of the identity's on [−8, 8], for any count; a tenth as much spread
/// would do that too, but the units would then need far longer to part. `share`: of v, where layers follow each other.
struct MixtureStart {
  MixtureStart(autodiff::MixtureKind kind, int count, double bound, double share = 1) {
    const double v = share * std::min(0.09, 0.018 * bound), reach = std::sqrt(3 * v * (count - 1) / (count + 1));
    const double log_a = std::log(1 + (kind == autodiff::MixtureKind::normal ? 0.36 : 0.075) * v);
    for (int k = 0; k < count; ++k) {
      const double place = reach * (2.0 * k / (count - 1) - 1);
      places.push_back(place / (1 - std::abs(place) / (2 * bound)));
    }
    steepnesses.assign(static_cast<std::size_t>(count), log_a / (1 - log_a / mixture_steepest));
  }
  std::vector<double> places, steepnesses;
};

}  // namespace flowfit::transforms
