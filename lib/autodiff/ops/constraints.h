// From raw numbers to parameters that are bounded, positive, or on a simplex.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// Of each feature's `stride` raw columns those from `first` on, `count` of them. raw: R x D·stride; results are R x D·count.
struct Part {
  Index stride, first, count;
};

/// As they are.
template <class T>
Var<T> part(Tape<T>& tape, Var<T> raw, Part part);
/// r / (1 + |r| / limit), in (−limit, limit).
template <class T>
Var<T> softclip(Tape<T>& tape, Var<T> raw, Part part, double limit);
/// exp of the softclip, in (e^−limit, e^limit); 1 at raw = 0.
template <class T>
Var<T> positive(Tape<T>& tape, Var<T> raw, Part part, double limit);
/// Each `group` columns: least + (total − group·least)·softmax. They sum to `total`.
template <class T>
Var<T> simplex(Tape<T>& tape, Var<T> raw, Part part, Index group, double least, double total);

}  // namespace flowfit::autodiff
