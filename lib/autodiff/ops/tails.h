// A map that is computed on a box alone, and goes on outside as the straight line with its value and slope at the edge.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// A value and its derivative by the input of a univariate, of one shape.
template <class T>
struct Tangent {
  Var<T> value, slope;
};

/// x held to [−bound, bound]; no gradient where it was held. A NaN stays one.
template <class T>
Var<T> clamp(Tape<T>& tape, Var<T> x, double bound);

/// `at`: value and slope > 0 at clamp(x). With f what they describe and its lines outside the box: y = (1 − least)·f(x) + least·x, so
/// that the slope is at least `least`. B x D.
template <class T>
Mapped<T> linear_tails(Tape<T>& tape, Var<T> x, Tangent<T> at, double bound, double least);

}  // namespace flowfit::autodiff
