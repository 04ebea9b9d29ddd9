// The integral of a small positive network of one input, fused.
#pragma once

#include "autodiff/ops/quadrature.h"
#include "autodiff/ops/tails.h"

namespace flowfit::autodiff {

/// The weights of the integrand, for each feature: steepness, places and weights of K hidden units, B x D·K; bias, B x D.
template <class T>
struct PositiveNetwork {
  Var<T> steepness, places, weights, bias;
};

/// log g(x) = l·tanh(z/l) with l = ln 1e3, z = bias + Σ_k weight_k tanh(steepness_k·(x/bound − place_k)): smooth, and in (1e-3, 1e3).
/// y = t + ∫₀ˣ g by quadrature, slope g(x). x: B x D, in [−bound, bound]; t: B x D. `quadrature` must outlive the tape's pass.
template <class T>
Tangent<T> positive_network_integral(Tape<T>& tape, const Quadrature& quadrature, double bound, Var<T> x, Var<T> t,
                                     const PositiveNetwork<T>& network);

}  // namespace flowfit::autodiff
