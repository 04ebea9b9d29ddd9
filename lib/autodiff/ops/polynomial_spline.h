// Monotone piecewise polynomials on [−bound, bound]: value, log-det and both vector-Jacobian products.
#pragma once

#include "autodiff/ops/spline.h"

namespace flowfit::autodiff {

/// The kinds linear, quadratic and cubic of a spline; shapes as in spline_map. Every bin is a cubic in Hermite form, u(t) with slopes d0, d1 at its ends:
/// of a linear spline both slopes are h/w, of a quadratic one h is w·(d0 + d1)/2. Outside the box the map goes on in a straight line with the slope of the end.
///
/// linear (Müller, McWilliams, Rousselle, Gross, Novák, "Neural Importance Sampling", ACM TOG 2019, 4.1): bins of one width; raw are K heights, by softmax.
/// Its log-det jumps at the knots.
/// quadratic (the same, 4.2): raw are K widths, by softmax, and K + 1 slopes v = 1e-3 + softplus(raw), which are divided by their integral A over the unit
/// box and kept above min_slope: d = min_slope + (1 − min_slope)·v/A.
/// cubic (Durkan, Bekasov, Murray, Papamakarios, "Cubic-Spline Flows", 2019): raw are K widths, K heights, both by softmax, and the slopes of the two ends,
/// s·(min_slope + (3 − min_slope)·sigmoid(raw + c)) with s = h/w of their bin; s at raw = 0. Inner slopes follow from the bins on their two sides
/// (Steffen, "A simple method for monotonic interpolation in one dimension", A&A 1990): 2·min(s₋, s₊, p/2), p = (s₋w₊ + s₊w₋)/(w₋ + w₊).
template <class T>
Mapped<T> polynomial_spline_map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse);

}  // namespace flowfit::autodiff
