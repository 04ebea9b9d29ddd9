// Maps that change the weight of the tails: powers, and the sinh of a scaled asinh.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// y = sinh(δ·asinh(x) + ε) and its inverse. skew: ε, weight: δ, B x D both. On [−bound, bound], with its lines outside. log_det: B x D.
template <class T>
Mapped<T> sinh_arcsinh_map(Tape<T>& tape, Var<T> x, Var<T> skew, Var<T> weight, double bound, bool inverse);

/// y = sign(x)·((1 + |x|)^p − 1)/p and its inverse. low: p where x < 0, high: p elsewhere, B x D both. On [−bound, bound], with its lines outside. log_det: B x D.
template <class T>
Mapped<T> signed_power_map(Tape<T>& tape, Var<T> x, Var<T> low, Var<T> high, double bound, bool inverse);

}  // namespace flowfit::autodiff
