// The knots of a spline: softmax shares into sizes and edges, and what a feature keeps of them for the way back.
#pragma once

#include "autodiff/ops/columns.h"
#include "autodiff/ops/spline.h"
#include "core/vectorize.h"

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
  T *width, *height;    // B: the shares of the row's own bin, where each row has knots
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
  T* at = tape.scratch(2 * bins * raw_rows + 9 * rows + 3 * entries + (shared ? 7 * bins : 2 * rows));
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
  k.width = shared ? nullptr : take(rows);
  k.height = shared ? nullptr : take(rows);
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

/// What the raw numbers of a rational kind become, in the arithmetic of T.
template <class T>
struct KnotShape {
  explicit KnotShape(const SplineShape& shape)
      : bins(shape.bins),
        slopes(shape.slopes()),
        periodic(shape.periodic),
        learns_lambda(shape.kind == SplineKind::rational_linear),
        bound(static_cast<T>(shape.bound)),
        min_slope(static_cast<T>(shape.min_slope)),
        slope_offset(static_cast<T>(std::log(std::expm1(1.0 - shape.min_slope)))),
        width(scale_of<T>(shape.min_width, shape)),
        height(scale_of<T>(shape.min_height, shape)) {}

  Index bins, slopes;
  bool periodic, learns_lambda;
  T bound, min_slope, slope_offset;  // softplus(0 + slope_offset) + min_slope = 1
  Scale<T> width, height;
};

/// Raw slopes and places of the knots of `count` bins, bin[i] each → their values, and their derivatives into `k`. The ends of a line are exactly 1.
template <class T>
void constrain_slopes(Tape<T>& tape, const KnotShape<T>& shape, const Kept<T>& k, const T* bin, Index count, const Bins<T>& b) {
  constexpr double lambda_low = 0.025, lambda_span = 0.95;
  T* const one_plus = tape.scratch(count);
  const auto softplus = [&](T* d, T* derivative, T end_bin) {
    Column<T> v(d, count), s(derivative, count);
    v += shape.slope_offset;
    s = (-v.abs()).exp();  // e^−|v|
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < count; ++i) {
      const T e = derivative[i];
      derivative[i] = (d[i] >= T(0) ? T(1) : e) / (T(1) + e);
      d[i] = std::max(d[i], T(0));
      one_plus[i] = T(1) + e;
    }
    v += Column<T>(one_plus, count).log() + shape.min_slope;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < count; ++i) {
      const bool end = bin[i] == end_bin;
      d[i] = end ? T(1) : d[i];
      derivative[i] = end ? T(0) : derivative[i];
    }
  };
  const T nowhere = T(-1);
  softplus(b.d0, k.slope0, shape.periodic ? nowhere : T(0));
  softplus(b.d1, k.slope1, shape.periodic ? nowhere : static_cast<T>(shape.bins - 1));
  if (!shape.learns_lambda) return;
  Column<T> lambda(b.lambda, count), derivative(k.lambda_slope, count);
  lambda = (T(1) + (-lambda).exp()).inverse();
  derivative = T(lambda_span) * lambda * (T(1) - lambda);
  lambda = T(lambda_low) + T(lambda_span) * lambda;
}

}  // namespace flowfit::autodiff
