// Steps of an explicit Runge–Kutta method, each row with a length of its own.
#pragma once

#include <array>

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// Dormand, Prince, "A family of embedded Runge–Kutta formulae", 1980: 5(4), the last stage is the first of the next step.
struct DormandPrince {
  static constexpr int stages = 7;
  std::array<double, 7> times;
  std::array<std::array<double, 6>, 7> weights;  ///< row i: from the start to stage i; row 6 is the step itself
  std::array<double, 7> error;                   ///< of order 5 less order 4
};
inline constexpr DormandPrince dormand_prince{
    {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1},
    {{{},
      {1.0 / 5},
      {3.0 / 40, 9.0 / 40},
      {44.0 / 45, -56.0 / 15, 32.0 / 9},
      {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
      {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
      {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}}},
    {71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40}};

/// y += length · Σ_j weights[j]·slopes[j] by row, for j < count; length: B numbers. No gradient.
template <class T>
void weighted_sum(const Var<T>* slopes, const double* weights, int count, const T* length, Var<T> y);

/// state + length · Σ_j weights[j]·slopes[j]: B x C each. `slopes`, `weights` and `length` (constants) must outlive the tape's pass.
template <class T>
Var<T> weighted_step(Tape<T>& tape, Var<T> state, const Var<T>* slopes, const double* weights, int count, const T* length);

}  // namespace flowfit::autodiff
