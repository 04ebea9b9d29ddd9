// Gauss–Legendre quadrature on [0, 1].
#pragma once

#include <vector>

namespace flowfit::autodiff {

/// ∫₀¹ f ≈ Σ_m weights_m f(nodes_m): exact for polynomials up to degree 2n − 1.
struct Quadrature {
  explicit Quadrature(int n);
  std::vector<double> nodes, weights;
};

}  // namespace flowfit::autodiff
