// The vjp checker: a function on the tape against central differences.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// Inputs (Vars that want gradients) → outputs. Called many times; it must not depend on anything else that changes.
using Function = std::function<std::vector<Var<double>>(Tape<double>& tape, std::span<const Var<double>> inputs)>;

struct CheckOptions {
  double tolerance = 1e-6;  ///< of |difference − product| / (1 + |product|)
  int directions = 0;       ///< 0: every entry of every input by itself; else so many random directions ±1 for each input
  std::uint64_t seed = 1;   ///< of the output's adjoints and the directions
};

/// Compares vector-Jacobian products with central differences of Σ adjoint·output, adjoints drawn at random. Also checks the contract of an op: evaluate and
/// differentiate give the same bits, and backward adds to the inputs' adjoints. Steps of 1e-5, 1e-6 and 1e-7 are tried, so that a kink (a knot, a relu) near
/// the point does no harm. Empty text where all is well, else what disagrees most.
std::string check_vjp(const Function& function, const std::vector<Matrix<double>>& inputs, const CheckOptions& options = {});

}  // namespace flowfit::autodiff
