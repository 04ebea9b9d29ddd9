// One set of knots for all rows: a table with an entry a bin, from which rows copy and into which they add.
#pragma once

#include "autodiff/ops/spline_knots.h"

namespace flowfit::autodiff {

template <class T>
class SharedKnots {
 public:
  SharedKnots(const KnotShape<T>& shape, Index rows) : shape_(shape), rows_(rows) {}

  /// Fills k.bin, k.rows and what leads back from them. `in` is on the side of x, or where `inverse` of y.
  template <bool inverse>
  void find(Tape<T>& tape, const T* in, const T* raw, const Kept<T>& k) const {
    const Index bins = shape_.bins;
    const Bins<T> to = k.table;
    softmax(raw, bins, 1, k.widths, tape.scratch(2));
    softmax(raw + bins, bins, 1, k.heights, tape.scratch(2));
    sizes(k.widths, shape_.width, to.x_left, to.w);
    sizes(k.heights, shape_.height, to.y_left, to.h);
    count_knots(in, inverse ? to.y_left : to.x_left, k.bin);

    const T *slopes = raw + 2 * bins, *lambdas = slopes + shape_.slopes;
    T* const numbers = tape.scratch(bins);
    for (Index b = 0; b < bins; ++b) {
      numbers[b] = static_cast<T>(b);
      // The slopes at the ends of a line are set by constrain_slopes: any number will do here.
      to.d0[b] = slopes[b > 0 ? b - 1 : shape_.slopes - 1];
      to.d1[b] = slopes[b < shape_.slopes ? b : 0];
      to.lambda[b] = shape_.learns_lambda ? lambdas[b] : T(0);
    }
    constrain_slopes(tape, shape_, k, numbers, bins, to);
    copy_from_table(k);
  }

  /// Adds to g_raw what the adjoints `g` of the rows' bins come to.
  void backward(Tape<T>& tape, const Kept<T>& k, const Bins<T>& g, T* g_raw) const {
    const Index bins = shape_.bins, last = shape_.slopes - 1;
    const Bins<T> sum = sum_by_bin(tape, k, g);
    sizes_backward(k.widths, sum.x_left, sum.w, shape_.width.span, g_raw);
    sizes_backward(k.heights, sum.y_left, sum.h, shape_.height.span, g_raw + bins);
    T *const g_slopes = g_raw + 2 * bins, *const g_lambdas = g_slopes + shape_.slopes;
    for (Index b = 0; b < bins; ++b) {
      if (b > 0 || shape_.periodic) g_slopes[b > 0 ? b - 1 : last] += sum.d0[b] * k.slope0[b];
      if (b <= last) g_slopes[b] += sum.d1[b] * k.slope1[b];
      if (shape_.learns_lambda) g_lambdas[b] += sum.lambda[b] * k.lambda_slope[b];
    }
  }

 private:
  void sizes(const T* shares, const Scale<T>& scale, T* left, T* size) const {
    T edge = -shape_.bound;
    for (Index b = 0; b < shape_.bins; ++b) {
      left[b] = edge;
      size[b] = scale.low + scale.span * shares[b];
      edge += size[b];
    }
  }

  // Each row's bin: the number of inner knots at or below it.
  void count_knots(const T* in, const T* edges, T* bin) const {
    std::fill_n(bin, rows_, T(0));
    for (Index b = 1; b < shape_.bins; ++b) {
      const T edge = edges[b];
      for (Index i = 0; i < rows_; ++i) bin[i] += in[i] >= edge ? T(1) : T(0);
    }
  }

  void copy_from_table(const Kept<T>& k) const {
    const Bins<T> from = k.table, to = k.rows;
    for (Index i = 0; i < rows_; ++i) {
      const Index b = static_cast<Index>(k.bin[i]);
      to.x_left[i] = from.x_left[b];
      to.y_left[i] = from.y_left[b];
      to.w[i] = from.w[b];
      to.h[i] = from.h[b];
      to.d0[i] = from.d0[b];
      to.d1[i] = from.d1[b];
      to.lambda[i] = from.lambda[b];
    }
  }

  // Adds up the rows' adjoints by bin. Even and odd rows apart, so that one sum need not wait for the other.
  Bins<T> sum_by_bin(Tape<T>& tape, const Kept<T>& k, const Bins<T>& g) const {
    constexpr Index fields = 7;
    const Index bins = shape_.bins;
    T* const sums = tape.scratch(fields * bins);
    const T* const from[fields] = {g.x_left, g.y_left, g.w, g.h, g.d0, g.d1, g.lambda};
    T* const part = tape.scratch(16 * bins);
    std::fill_n(part, 16 * bins, T(0));
    for (Index i = 0; i < rows_; ++i) {
      T* const to = part + 8 * (2 * static_cast<Index>(k.bin[i]) + i % 2);
      for (Index f = 0; f < fields; ++f) to[f] += from[f][i];
    }
    for (Index b = 0; b < bins; ++b) {
      for (Index f = 0; f < fields; ++f) sums[f * bins + b] = part[16 * b + f] + part[16 * b + 8 + f];
    }
    T* at = sums;
    return take_bins(at, bins);
  }

  // The left edge of a bin is a sum of the sizes before it, and size = low + span·softmax(raw). `size` is overwritten.
  void sizes_backward(const T* shares, const T* left, T* size, T span, T* g_raw) const {
    T after = 0, dot = 0;
    for (Index b = shape_.bins - 1; b >= 0; --b) {
      size[b] += after;
      after += left[b];
      dot += shares[b] * size[b];
    }
    for (Index b = 0; b < shape_.bins; ++b) g_raw[b] += span * shares[b] * (size[b] - dot);
  }

  KnotShape<T> shape_;
  Index rows_;
};

}  // namespace flowfit::autodiff
