// Random rows for the bases' samplers.
#pragma once

#include <cmath>

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

/// Standard normals ε → loc + L·ε, L lower triangular as in autodiff::NormalFactor (`lower` null: diagonal).
template <class T>
class NormalDraw {
 public:
  NormalDraw(nn::Tape<T>& tape, const T* loc, const T* lower, const T* log_diagonal, Index features)
      : loc_(loc), lower_(lower), diagonal_(tape.template scratch<double>(features)) {
    for (Index i = 0; i < features; ++i) diagonal_[i] = std::exp(static_cast<double>(log_diagonal[i]));
  }
  void operator()(std::span<double> row) const {
    // From the last one on: the earlier ones are still standard then.
    for (std::size_t i = row.size(); i-- > 0;) {
      double sum = static_cast<double>(loc_[i]) + diagonal_[i] * row[i];
      for (std::size_t j = 0; lower_ && j < i; ++j) sum += static_cast<double>(lower_[i * (i - 1) / 2 + j]) * row[j];
      row[i] = sum;
    }
  }

 private:
  const T *loc_, *lower_;
  double* diagonal_;
};

}  // namespace flowfit::distributions
