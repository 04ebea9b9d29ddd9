// Tails of the standard normal distribution: Mills' ratio, and the quantile of a small probability from its logarithm. Lanes of numbers.
#pragma once

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {

/// m[i] = Φ(−t[i]) / φ(t[i]) for t ≥ 0 (or just below), to rounding. `scratch`: 3n numbers. A NaN stays one.
template <class T>
void mills_ratio(const T* t, Index n, T* m, T* scratch);

/// q[i] ≥ 0 with log Φ(−q[i]) = log_p[i], for log_p ≤ log ½ down to any depth. mills[i] = Mills' ratio at q[i]. `scratch`: 4n numbers.
template <class T>
void upper_quantile(const T* log_p, Index n, T* q, T* mills, T* scratch);

}  // namespace flowfit::autodiff
