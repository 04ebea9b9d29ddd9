// Whether rows look like draws of a model: probability integral transforms, their uniformity, and the coverage of high-density regions.
#pragma once

#include <span>
#include <vector>

namespace flowfit::diagnostics {

/// The probability integral transform of standard normals: Φ(z).
std::vector<double> normal_pit(std::span<const double> z);
/// The same by the empirical distribution of `reference`: the share of its finite numbers below each value, of its equals one half.
std::vector<double> rank_pit(std::span<const double> values, std::span<const double> reference);

struct Uniformity {
  double statistic = 0;  ///< Kolmogorov–Smirnov: the largest difference from the uniform distribution function
  double p_value = 1;
};
/// Whether the numbers are uniform in [0, 1]. `draws`: how many draws their ranks were taken among; 0: they are exact. The p-value is
/// core::kolmogorov_p_value, of ranks with the effective number of a comparison of two samples.
Uniformity uniformity(std::vector<double> u, std::size_t draws = 0);

/// For each mass in [0, 1]: the share of rows that score at least what the highest-scoring `mass` of the draws do. Without context that is their share in the
/// model's highest-density region of this mass (Hyndman 1996). Where rows are draws of the model, it is the mass.
std::vector<double> coverage(std::span<const double> row_scores, std::vector<double> draw_scores, std::span<const double> masses);

}  // namespace flowfit::diagnostics
