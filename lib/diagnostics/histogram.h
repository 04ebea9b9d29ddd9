// Histograms for a person to look at: where most values lie, bins that suit them, and how many fall into each.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace flowfit::diagnostics {

struct Range {
  double low = 0, high = 1;  ///< low < high
  double width() const { return high - low; }
};

/// The p-quantile of values in order, linear between them; NaN for none.
double quantile(std::span<const double> sorted, double p);
/// The finite values, in order.
std::vector<double> sorted_finite(std::span<const double> values);

/// Where most of the values lie: from the 0.5 % to the 99.5 % quantile and a tenth beyond, no farther than six times the distance of the quartiles from these (a heavy
/// tail), or to the outermost value where that is nearer. A value far out does not stretch it. Not finite values do not count; without any it is [0, 1].
Range central_range(std::span<const double> values);
/// The smallest range that holds both.
Range hull(const Range& a, const Range& b);

/// Edges of bins of one width over `range`: by Freedman and Diaconis (1981), between 20 and 60 of them. Where the values are multiples of 1, 0.1, 0.01 or 0.001,
/// each bin holds the same number of multiples, in its middle: else rounded values would make a comb.
std::vector<double> bin_edges(std::span<const double> values, const Range& range);

/// The density of the values in each bin: the share of all of them (also those beyond the edges), divided by the width.
std::vector<double> densities(std::span<const double> values, std::span<const double> edges);

}  // namespace flowfit::diagnostics
