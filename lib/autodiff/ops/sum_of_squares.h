// The integral of a sum of squared polynomials, fused.
#pragma once

#include "autodiff/ops/quadrature.h"
#include "autodiff/ops/tails.h"

namespace flowfit::autodiff {

/// y = t + ∫₀ˣ q, slope q(x), with q = least + Σ_k p_k(x/bound)², p_k(u) = Σ_l c_kl u^l. x: B x D, in [−bound, bound]; t: B x D; c: B x D·K·L, l runs fastest. Exact with
/// L nodes. `quadrature` must outlive the tape's pass.
template <class T>
Tangent<T> sum_of_squares(Tape<T>& tape, const Quadrature& quadrature, double bound, double least, Var<T> x, Var<T> t, Var<T> c);

}  // namespace flowfit::autodiff
