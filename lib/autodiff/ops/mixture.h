// The cumulative distribution function of a mixture, then the quantile function of its kind: units, their mixture, and layers of them.
#pragma once

#include "autodiff/ops/tails.h"

namespace flowfit::autodiff {

/// G: the logistic function, or the standard normal's Φ.
enum class MixtureKind { logistic, normal };

/// z_k = a_k·(x − c_k), slope a_k. x: B x D; a, c: B x D·K, K for each feature; a > 0.
template <class T>
Tangent<T> mixture_units(Tape<T>& tape, Var<T> x, Var<T> a, Var<T> c);

/// y_m = G⁻¹(Σ_k w_mk G(z_k)) and its slope. z: B x D·K; w: B x D·M·K, positive, each K of them of sum 1; result B x D·M. Computed from the smaller of the two
/// tails, scaled by its largest unit: no cancellation and no underflow however far out z is. The adjoint of w is that on the simplex: right up
/// to a number added to all K.
template <class T>
Tangent<T> mixture_quantile(Tape<T>& tape, MixtureKind kind, Tangent<T> z, Var<T> w, Index features);

/// z_i = a_i·(Σ_j u_ij h_j − c_i) and its slope. h: B x D·N; u: B x D·M·N; a, c: B x D·M; result B x D·M.
template <class T>
Tangent<T> mixture_blend(Tape<T>& tape, Tangent<T> h, Var<T> u, Var<T> a, Var<T> c, Index features);

}  // namespace flowfit::autodiff
