// The radial map, one centre for each row, both ways in closed form.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// y = x + m·α / (α + r)·(x − c), r = |x − c|, or its inverse, for each row of x (B x D). centre (c): R x D; width: R x 1, α = softplus(width + k), 1 at 0;
/// strength: R x 1, m = softplus(strength + k) − 1 > −1, 0 at 0; R = 1 or B. log_det: B x 1.
template <class T>
Mapped<T> radial_map(Tape<T>& tape, Var<T> x, Var<T> centre, Var<T> width, Var<T> strength, bool inverse);

}  // namespace flowfit::autodiff
