// A fixed matrix times every row.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// y = M·x for each row (x: B x K). M: N x K, column-major, no gradient; it must outlive the tape's pass.
template <class T>
Var<T> matrix_map(Tape<T>& tape, Var<T> x, const Matrix<T>& m);

}  // namespace flowfit::autodiff
