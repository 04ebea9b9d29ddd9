// A Bernstein polynomial on [−bound, bound] that goes on as the identity, fused.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// f(x) = Σ_k θ_k b_k,n(t) with t = (x + bound) / (2·bound) and rising θ from −bound to bound, in steps: θ_{k+1} − θ_k = steps_k, of which the first and the last are
/// 2·bound/n, so that f' = 1 at ±bound. steps: B x D·(n−2), the others of each feature, positive and of sum 2·bound·(n−2)/n. Outside [−bound, bound]: x. B x D.
template <class T>
Mapped<T> bernstein_map(Tape<T>& tape, int degree, double bound, Var<T> x, Var<T> steps);

}  // namespace flowfit::autodiff
