// Random rows for the bases' samplers.
#pragma once

#include "distributions/distribution.h"

namespace flowfit::distributions {

/// rows x D from `fill(row id, D numbers)`, drawn in double and cast.
template <class T, class Fill>
Var<T> draws(Pass<T>& pass, Index rows, Index features, Fill fill) {
  const Var<T> z = pass.tape.make(rows, features, false);
  double* row = pass.tape.template scratch<double>(features);
  for (Index i = 0; i < rows; ++i) {
    fill(pass.rows[i], std::span<double>(row, static_cast<std::size_t>(features)));
    for (Index d = 0; d < features; ++d) z.value[d * rows + i] = static_cast<T>(row[d]);
  }
  return z;
}

template <class T>
Var<T> standard_normals(Pass<T>& pass, Index rows, Index features, const core::RandomKey& key) {
  return draws(pass, rows, features, [&](std::uint64_t row, std::span<double> out) { key.normals(row, out); });
}

}  // namespace flowfit::distributions
