// Monotone splines on [−bound, bound] with linear tails, fused: value, log-det and both vector-Jacobian products.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

enum class SplineKind {
  rational_quadratic,  ///< Durkan, Bekasov, Murray, Papamakarios, "Neural Spline Flows", NeurIPS 2019, eqs. 4–8
  rational_linear,  ///< Dolatabadi, Erfani, Leckie, "Invertible Generative Modeling using Linear Rational Splines", AISTATS 2020, alg. 1
  linear,
  quadratic,
  cubic  ///< these three: autodiff/ops/polynomial_spline.h
};

struct SplineShape {
  SplineKind kind = SplineKind::rational_quadratic;
  int bins = 8;  ///< K
  double bound = 5.0;
  double min_width = 1e-3, min_height = 1e-3, min_slope = 1e-3;  ///< widths and heights as a share of the box
  bool periodic = false;                                         ///< of the rational kinds

  bool rational() const { return kind == SplineKind::rational_quadratic || kind == SplineKind::rational_linear; }
  /// Slopes that are learned of a rational kind: those of the K−1 inner knots, and on the circle that of the seam.
  int slopes() const { return periodic ? bins : bins - 1; }
  /// Raw numbers a feature. Rational kinds: K widths, K heights, the slopes, and for rational_linear K places λ of the inner knots.
  int parameters() const;
};

/// raw: R x D·P (R = B, or 1 shared by all rows), feature d at columns d·P … (d+1)·P − 1. Widths and heights are
/// min + (1 − K·min)·softmax; inner slopes min + softplus(raw + c), 1 at raw = 0; the slopes at ±bound are exactly 1, so that the
/// density is continuous; outside the box the map is the identity. With `periodic` both have one slope, learned as the others and last of them, and
/// f(x + 2·bound) = f(x) + 2·bound: a map of the circle (Rezende et al., "Normalizing Flows on Tori and Spheres", ICML 2020, 2.2). λ = 0.025 + 0.95·sigmoid(raw). raw = 0 is the identity.
/// log_det: B x D. The inverse differentiates by the implicit function theorem.
template <class T>
Mapped<T> spline_map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse);

}  // namespace flowfit::autodiff
