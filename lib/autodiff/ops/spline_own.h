// Knots of each row's own: one walk over the bins, all rows abreast, with a choice where a search would branch.
#pragma once

#include "autodiff/ops/spline_knots.h"

namespace flowfit::autodiff {

// Both are read, so that the choice is a blend; `a ? x[i] : y[i]` is a gather from one address or the other.
template <class T>
T pick(bool first, T a, T b) {
  return first ? a : b;
}

template <class T>
class OwnKnots {
 public:
  OwnKnots(const KnotShape<T>& shape, Index rows) : shape_(shape), rows_(rows) {}

  /// Fills k.bin, k.rows and what leads back from them. `in` is on the side of x, or where `inverse` of y.
  template <bool inverse>
  void find(Tape<T>& tape, const T* in, const T* raw, const Kept<T>& k) const {
    const Index bins = shape_.bins, rows = rows_;
    T* const place = tape.scratch(5 * rows);
    Column<T> x(place, rows), y(place + rows, rows), per_x(place + 2 * rows, rows), per_y(place + 3 * rows, rows);
    const Column<T> largest(place + 4 * rows, rows);
    softmax_terms(raw, bins, rows, k.widths, largest, per_x);
    softmax_terms(raw + bins * rows, bins, rows, k.heights, largest, per_y);
    per_x = per_x.inverse();
    per_y = per_y.inverse();
    x.setConstant(-shape_.bound);
    y.setConstant(-shape_.bound);
    std::fill_n(k.bin, rows, T(0));
    // A row that is at no later bin, a NaN too, is in the first.
    step<inverse, true>(0, in, raw, place, k);
    for (Index b = 1; b < bins; ++b) step<inverse, false>(b, in, raw, place, k);

    const Bins<T> to = k.rows;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      to.w[i] = shape_.width.low + shape_.width.span * k.width[i];
      to.h[i] = shape_.height.low + shape_.height.span * k.height[i];
    }
    constrain_slopes(tape, shape_, k, k.bin, rows, to);
  }

  /// Adds to g_raw what the adjoints `g` of the rows' bins come to: sizes before the row's bin get that of its left edge, its own size gets its own, the others
  /// nothing but what the softmax takes back.
  void backward(Tape<T>& tape, const Kept<T>& kept, const Bins<T>& g, T* g_raw) const {
    const Index bins = shape_.bins, rows = rows_;
    const Kept<T> k = kept;
    T* at = tape.scratch(9 * rows);
    const Way x = way(at), y = way(at);
    T *const d0 = at, *const d1 = at + rows, *const lambda = at + 2 * rows;
    share_backward(k.bin, k.rows.x_left, k.width, g.x_left, g.w, shape_.width, x);
    share_backward(k.bin, k.rows.y_left, k.height, g.y_left, g.h, shape_.height, y);
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      d0[i] = g.d0[i] * k.slope0[i];
      d1[i] = g.d1[i] * k.slope1[i];
    }
    for (Index b = 0; b < bins; ++b) {
      add_share(b, k.bin, k.widths, x, g_raw);
      add_share(b, k.bin, k.heights, y, g_raw + bins * rows);
    }
    T *const g_slopes = g_raw + 2 * bins * rows, *const g_lambdas = g_slopes + shape_.slopes * rows;
    for (Index b = 0; b < shape_.slopes; ++b) {
      // The knot is the right end of bin b and the left end of the next one.
      const T left = static_cast<T>(b), right = static_cast<T>(b + 1 < bins ? b + 1 : 0);
      T* const out = g_slopes + b * rows;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) out[i] += pick(k.bin[i] == left, d1[i], pick(k.bin[i] == right, d0[i], T(0)));
    }
    if (!shape_.learns_lambda) return;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) lambda[i] = g.lambda[i] * k.lambda_slope[i];
    for (Index b = 0; b < bins; ++b) {
      const T number = static_cast<T>(b);
      T* const out = g_lambdas + b * rows;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows; ++i) out[i] += pick(k.bin[i] == number, lambda[i], T(0));
    }
  }

 private:
  // Adjoints of a row's shares: of those before its bin, of its own, and what the softmax takes from all.
  struct Way {
    T *before, *own, *all;
  };
  Way way(T*& at) const {
    const Way w{at, at + rows_, at + 2 * rows_};
    at += 3 * rows_;
    return w;
  }

  // Bin b of all rows: its shares and, for the rows that are at its left edge or past it, its numbers. `place` has the left edges and what makes terms shares.
  template <bool inverse, bool first>
  void step(Index b, const T* in, const T* raw, T* place, const Kept<T>& kept) const {
    const Kept<T> k = kept;  // copies: their pointers stay in registers
    const Bins<T> to = k.rows;
    const Index rows = rows_, slopes = shape_.slopes;
    const Scale<T> width = shape_.width, height = shape_.height;
    T *const x = place, *const y = place + rows, *const widths = k.widths + b * rows, *const heights = k.heights + b * rows;
    const T *const per_x = place + 2 * rows, *const per_y = place + 3 * rows;
    const T* const knots = raw + 2 * shape_.bins * rows;
    // The slopes at the ends of a line are set by constrain_slopes: any column will do here.
    const T *const left = knots + (b > 0 ? b - 1 : slopes - 1) * rows, *const right = knots + (b < slopes ? b : 0) * rows;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) {
      const bool here = first || in[i] >= pick(inverse, y[i], x[i]);
      const T w = widths[i] * per_x[i], h = heights[i] * per_y[i];
      widths[i] = w;
      heights[i] = h;
      if constexpr (!first) k.bin[i] += here ? T(1) : T(0);
      k.width[i] = pick(here, w, k.width[i]);
      k.height[i] = pick(here, h, k.height[i]);
      to.x_left[i] = pick(here, x[i], to.x_left[i]);
      to.y_left[i] = pick(here, y[i], to.y_left[i]);
      to.d0[i] = pick(here, left[i], to.d0[i]);
      to.d1[i] = pick(here, right[i], to.d1[i]);
      x[i] += width.low + width.span * w;
      y[i] += height.low + height.span * h;
    }
    const T* const lambdas = knots + (slopes + b) * rows;
    // The edges have moved on: here is where the row's bin is b so far.
    const T number = static_cast<T>(b);
    if (!shape_.learns_lambda) return;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows; ++i) to.lambda[i] = pick(first || k.bin[i] == number, lambdas[i], to.lambda[i]);
  }

  // The shares before the bin come from its left edge; its own is kept, since the size that was made of it has lost digits.
  void share_backward(const T* bin, const T* left, const T* share, const T* g_left, const T* g_size, Scale<T> scale,
                      Way to) const {
    const T per_span = T(1) / scale.span, bound = shape_.bound;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const T sum_before = (left[i] + bound - bin[i] * scale.low) * per_span;
      to.before[i] = scale.span * g_left[i];
      to.own[i] = scale.span * g_size[i];
      to.all[i] = to.before[i] * sum_before + to.own[i] * share[i];
    }
  }

  void add_share(Index b, const T* bin, const T* shares, Way from, T* g_raw) const {
    const T at = static_cast<T>(b);
    const T* const share = shares + b * rows_;
    T* const out = g_raw + b * rows_;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i)
      out[i] += share[i] * (pick(at < bin[i], from.before[i], pick(at == bin[i], from.own[i], T(0))) - from.all[i]);
  }

  KnotShape<T> shape_;
  Index rows_;
};

}  // namespace flowfit::autodiff
