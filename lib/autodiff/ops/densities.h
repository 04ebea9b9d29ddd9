// Log densities of one-dimensional distributions, summed over the columns, and the special functions in their constants.
#pragma once

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// A function's value and its derivative there.
struct ValueSlope {
  double value, slope;
};
/// log Γ(x + ½) − log Γ(x) for x > 0, without the cancellation of two large numbers.
ValueSlope log_gamma_half_step(double x);
/// log I₀(x) − x for x ≥ 0 (I₀: modified Bessel function of the first kind); its slope is I₁(x)/I₀(x) − 1.
ValueSlope log_bessel_i0(double x);

/// Standard forms: location 0, scale 1.
enum class Standard {
  laplace,   ///< e^−|z| / 2
  logistic,  ///< e^−z / (1 + e^−z)²
  gumbel  ///< e^−(z + e^−z); below z = −60, where it is zero in any dtype, the exponent goes on linearly, so that it stays finite
};
/// B x D → B x 1.
template <class T>
Var<T> standard_log_prob(Tape<T>& tape, Standard form, Var<T> z);

inline constexpr double student_t_least_df = 0.5, student_t_most_df = 1e6;
/// Student's t with df = e^log_df of each column (1 x D), held to [0.5, 1e6]; 1 is Cauchy's. B x D → B x 1.
template <class T>
Var<T> student_t_log_prob(Tape<T>& tape, Var<T> z, Var<T> log_df);

/// von Mises' e^(κ cos(z − loc)) / (2π I₀(κ)) on [−π, π], κ = e^log_concentration (loc, log_concentration: 1 x D). A row with a column outside has
/// −inf and no gradient. B x D → B x 1.
template <class T>
Var<T> von_mises_log_prob(Tape<T>& tape, Var<T> z, Var<T> loc, Var<T> log_concentration);

}  // namespace flowfit::autodiff
