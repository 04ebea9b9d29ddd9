// The inverse of a map that has none in closed form: entry by entry with a safeguarded Newton search, or of whole rows; gradients by the implicit function theorem.
#pragma once

#include <cmath>
#include <limits>

#include "autodiff/tape.h"

namespace flowfit::autodiff {

/// x with f(x) = y, for an f that is strictly increasing in each entry by itself and maps the line onto itself. y: B x D. On return x[i] is within
/// rounding of the root (eps^3/4 of itself at a kink). Every entry brackets, steps and stops by its own numbers alone, so its bits do not depend on the others.
///
/// `f(x)` returns value and log f'(x), B x D each; it is called in evaluate mode. Newton steps inside a bracket that each value narrows;
/// bisection where a step leaves it or does not halve it (Press et al., "Numerical Recipes", 9.4).
template <class T, class F>
void solve_increasing(Tape<T>& tape, Var<T> y, F f, T* x) {
  constexpr int most_rounds = 200;
  const Index n = y.size();
  const T infinity = std::numeric_limits<T>::infinity();
  // A Newton step this small is the last: what it leaves is far smaller, or as small where f' jumps.
  const T last_step = std::pow(std::numeric_limits<T>::epsilon(), T(0.75));
  T *low = tape.scratch(n), *high = tape.scratch(n), *width = tape.scratch(n);
  bool* done = tape.template scratch<bool>(n);
  for (Index i = 0; i < n; ++i) {
    x[i] = y.value[i];
    low[i] = -infinity;
    high[i] = infinity;
    width[i] = infinity;  // of the last step
    done[i] = !std::isfinite(y.value[i]);
  }
  for (int round = 0; round < most_rounds; ++round) {
    const typename Tape<T>::Evaluation evaluation(tape);
    const Var<T> at = tape.make(y.rows, y.cols, false);
    std::copy_n(x, n, at.value);
    const Mapped<T> m = f(at);
    bool all = true;
    for (Index i = 0; i < n; ++i) {
      if (done[i]) continue;
      const T error = m.value.value[i] - y.value[i];
      (error < T(0) ? low[i] : high[i]) = x[i];
      const T step = -error / std::exp(m.log_det.value[i]), size = std::abs(x[i]) + T(1e-3);
      const bool bracketed = std::isfinite(low[i]) && std::isfinite(high[i]);
      T next = x[i] + step;
      const bool inside = bracketed ? next > low[i] && next < high[i] : std::abs(step) <= T(8) * (T(1) + size);
      done[i] = error == T(0) || next == x[i] || (std::abs(step) <= last_step * size);
      if (!done[i] && !(inside && std::abs(step) <= width[i] / T(2))) {
        // Halve the bracket, or where one end is open double the distance.
        next = bracketed ? low[i] + (high[i] - low[i]) / T(2) : x[i] + (error < T(0) ? T(1) : T(-1)) * (T(1) + size);
        done[i] = next == x[i];
      }
      width[i] = std::abs(next - x[i]);
      x[i] = next;
      all = all && done[i];
    }
    if (all) return;
  }
}

/// The inverse of `f` with log_det and gradients; `f` as in solve_increasing, and differentiable on the tape by x and by whatever else it
/// looks at. Twice recorded: once for the log-determinant, once for the implicit function theorem, dx = (dy − ∂f/∂θ dθ) / f'(x).
template <class T, class F>
Mapped<T> invert_increasing(Tape<T>& tape, Var<T> y, F f) {
  const Index n = y.size();
  const Var<T> x = tape.make(y.rows, y.cols, true);
  {
    T* root = tape.scratch(n);
    solve_increasing(tape, y, f, root);
    std::copy_n(root, n, x.value);
  }
  // The way back runs upwards from the end of this function.
  const Mapped<T> moved = tape.differentiates() ? f(x) : Mapped<T>{};
  if (moved.value.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = 0; i < n; ++i) {
        const T g = x.adjoint[i] / std::exp(moved.log_det.value[i]);
        if (y.wants_grad()) y.adjoint[i] += g;
        moved.value.adjoint[i] -= g;
      }
    });
  }
  const Mapped<T> there = f(x);
  const Var<T> log_det = tape.make(y.rows, y.cols, true);
  for (Index i = 0; i < n; ++i) log_det.value[i] = -there.log_det.value[i];
  if (log_det.wants_grad() && there.log_det.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = 0; i < n; ++i) there.log_det.adjoint[i] -= log_det.adjoint[i];
    });
  }
  return {x, log_det};
}

/// The same for a map of whole rows (y, x: B x D; log_det of `f`: B x 1). `search(x)` writes a root of f(x) = y into x. After the first recording of `f`, at
/// the root, `adjoint()` gives a small function solve(g) that turns each row g of B x D into the λ with (∂f/∂x)ᵀ·λ = g, for the way back.
template <class T, class F, class Search, class Adjoint>
Mapped<T> invert_rows(Tape<T>& tape, Var<T> y, F f, Search search, Adjoint adjoint) {
  const Var<T> x = tape.make(y.rows, y.cols, true);
  search(x.value);
  if (tape.differentiates()) {
    const Mapped<T> moved = f(x);
    tape.on_backward([=, solve = adjoint()] {
      solve(x.adjoint);
      for (Index i = 0; i < x.size(); ++i) {
        if (y.wants_grad()) y.adjoint[i] += x.adjoint[i];
        if (moved.value.wants_grad()) moved.value.adjoint[i] -= x.adjoint[i];
      }
      // What `f` gives back to x was solved for: λ is all of it.
    });
  }
  const Mapped<T> there = f(x);
  const Var<T> log_det = tape.make(y.rows, 1, true);
  for (Index i = 0; i < y.rows; ++i) log_det.value[i] = -there.log_det.value[i];
  if (log_det.wants_grad() && there.log_det.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = 0; i < y.rows; ++i) there.log_det.adjoint[i] -= log_det.adjoint[i];
    });
  }
  return {x, log_det};
}

}  // namespace flowfit::autodiff
