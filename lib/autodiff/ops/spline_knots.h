// The knots of a spline: softmax shares into sizes and edges, and what a feature keeps of them for the way back.
#pragma once

#include "autodiff/ops/columns.h"
#include "autodiff/ops/spline.h"

namespace flowfit::autodiff {

/// The numbers of one bin for each of some rows: its lower left knot, its size, the slopes at its ends, and the place of the inner knot.
template <class T>
struct Bins {
  T *x_left, *y_left, *w, *h, *d0, *d1, *lambda;
};

/// What one feature keeps for the way back. With knots of their own, every row has its bin in `rows` and the derivatives d d0 / d raw, d d1 / d raw, d λ / d raw
/// there (0 where nothing is learned). With shared knots, `table` and the derivatives have an entry a bin, and `rows` are copies from the table.
template <class T>
struct Kept {
  T *widths, *heights;  // K·R softmax shares
  T* bin;               // B; as a number, so that loops over it vectorize
  T* inner;             // B: t, the place in the bin, on the side where the formulas are evaluated
  Bins<T> rows, table;
  T *slope0, *slope1, *lambda_slope;
};

template <class T>
Bins<T> take_bins(T*& at, Index count) {
  Bins<T> b;
  for (T** field : {&b.x_left, &b.y_left, &b.w, &b.h, &b.d0, &b.d1, &b.lambda}) {
    *field = at;
    at += count;
  }
  return b;
}

template <class T>
Kept<T> keep(Tape<T>& tape, Index bins, Index raw_rows, Index rows, bool shared) {
  const Index entries = shared ? bins : rows;
  T* at = tape.scratch(2 * bins * raw_rows + 9 * rows + 3 * entries + (shared ? 7 * bins : 0));
  const auto take = [&](Index count) {
    T* const here = at;
    at += count;
    return here;
  };
  Kept<T> k;
  k.widths = take(bins * raw_rows);
  k.heights = take(bins * raw_rows);
  k.bin = take(rows);
  k.inner = take(rows);
  k.rows = take_bins(at, rows);
  k.table = shared ? take_bins(at, bins) : k.rows;
  k.slope0 = take(entries);
  k.slope1 = take(entries);
  k.lambda_slope = take(entries);
  return k;
}

// shares(:, k) = softmax over k of raw(:, k), for `rows` rows. `edge` is scratch.
template <class T>
void softmax(const T* raw, Index bins, Index rows, T* shares, T* edge) {
  if (rows == 1) {
    Column<T> all(shares, bins);
    all = (ConstColumn<T>(raw, bins) - ConstColumn<T>(raw, bins).maxCoeff()).exp();
    all *= T(1) / all.sum();
    return;
  }
  Column<T> largest(edge, rows), sum(edge + rows, rows);
  softmax_terms(raw, bins, rows, shares, largest, sum);
  sum = sum.inverse();
  for (Index k = 0; k < bins; ++k) Column<T>(shares + k * rows, rows) *= sum;
}

template <class T>
struct Scale {
  T low, span;  // width = low + span · share
};
template <class T>
Scale<T> scale_of(double smallest, const SplineShape& shape) {
  return {static_cast<T>(2 * shape.bound * smallest), static_cast<T>(2 * shape.bound * (1 - shape.bins * smallest))};
}

/// knots(:, k) = left edge of bin k, for k = 0 … K−1.
template <class T>
void left_edges(const T* shares, Index bins, Index rows, Scale<T> scale, T bound, T* knots) {
  if (rows == 1) {
    knots[0] = -bound;
    for (Index k = 1; k < bins; ++k) knots[k] = knots[k - 1] + (scale.low + scale.span * shares[k - 1]);
    return;
  }
  Column<T>(knots, rows).setConstant(-bound);
  for (Index k = 1; k < bins; ++k)
    Column<T>(knots + k * rows, rows) =
        Column<T>(knots + (k - 1) * rows, rows) + (scale.low + scale.span * ConstColumn<T>(shares + (k - 1) * rows, rows));
}

}  // namespace flowfit::autodiff
