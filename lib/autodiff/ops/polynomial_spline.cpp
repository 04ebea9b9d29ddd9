// Polynomial splines: the knots of each kind with their way back, and one cubic bin for all.
#include "autodiff/ops/polynomial_spline.h"

#include <limits>

#include "autodiff/ops/spline_bin.h"
#include "autodiff/ops/spline_knots.h"

namespace flowfit::autodiff {
namespace {

/// A number of every bin for each row of raw: K columns of R. Of the adjoints, likewise.
template <class T>
struct Knots {
  Index bins, rows;
  T *w, *h, *d0, *d1, *x, *y;  // sizes, end slopes, lower left corners

  Knots(Tape<T>& tape, Index bin_count, Index row_count)
      : bins(bin_count),
        rows(row_count),
        w(tape.scratch(6 * size())),
        h(w + size()),
        d0(h + size()),
        d1(d0 + size()),
        x(d1 + size()),
        y(x + size()) {}
  Index size() const { return bins * rows; }
  Column<T> of(T* field, Index bin) const { return {field + bin * rows, rows}; }
};

/// Shares of raw by softmax, and sizes low + span·share.
template <class T>
class Sizes {
 public:
  Sizes() = default;
  Sizes(Tape<T>& tape, const T* raw, Index bins, Index rows, Scale<T> scale, T* sizes)
      : shares_(tape.scratch(bins * rows)), bins_(bins), rows_(rows), span_(scale.span) {
    softmax(raw, bins, rows, shares_, tape.scratch(2 * rows));
    Column<T>(sizes, bins * rows) = scale.low + scale.span * Column<T>(shares_, bins * rows);
  }
  void backward(Tape<T>& tape, const T* g_sizes, T* g_raw) const {
    Column<T> dot(tape.scratch(rows_), rows_);
    dot.setZero();
    for (Index b = 0; b < bins_; ++b) dot += share(b) * ConstColumn<T>(g_sizes + b * rows_, rows_);
    for (Index b = 0; b < bins_; ++b)
      Column<T>(g_raw + b * rows_, rows_) += span_ * share(b) * (ConstColumn<T>(g_sizes + b * rows_, rows_) - dot);
  }

 private:
  ConstColumn<T> share(Index b) const { return {shares_ + b * rows_, rows_}; }
  T* shares_ = nullptr;
  Index bins_ = 0, rows_ = 0;
  T span_ = 0;
};

// Each kind: raw → w, h, d0, d1 of the bins, and their adjoints → raw. What is kept between the two lies on the tape.

template <class T>
class LinearKnots {
 public:
  LinearKnots(Tape<T>& tape, const SplineShape& shape, const T* raw, const Knots<T>& k)
      : heights_(tape, raw, k.bins, k.rows, scale_of<T>(shape.min_height, shape), k.h),
        width_(static_cast<T>(2 * shape.bound / shape.bins)) {
    std::fill_n(k.w, k.size(), width_);
    Column<T>(k.d0, k.size()) = Column<T>(k.h, k.size()) / width_;
    std::copy_n(k.d0, k.size(), k.d1);
  }
  void backward(Tape<T>& tape, const Knots<T>& k, const Knots<T>& g, T* g_raw) const {
    Column<T>(g.h, k.size()) += (Column<T>(g.d0, k.size()) + Column<T>(g.d1, k.size())) / width_;
    heights_.backward(tape, g.h, g_raw);
  }

 private:
  Sizes<T> heights_;
  T width_;
};

template <class T>
class QuadraticKnots {
 public:
  QuadraticKnots(Tape<T>& tape, const SplineShape& shape, const T* raw, const Knots<T>& k)
      : widths_(tape, raw, k.bins, k.rows, scale_of<T>(shape.min_width, shape), k.w),
        raw_(raw + k.size()),
        v_(tape.scratch((k.bins + 1) * k.rows)),
        area_(tape.scratch(k.rows)),
        low_(static_cast<T>(shape.min_slope)),
        box_(static_cast<T>(2 * shape.bound)) {
    const ConstColumn<T> r(raw_, (k.bins + 1) * k.rows);
    Column<T>(v_, (k.bins + 1) * k.rows) = T(1e-3) + r.max(T(0)) + (T(1) + (-r.abs()).exp()).log();
    Column<T> area(area_, k.rows);
    area.setZero();
    for (Index b = 0; b < k.bins; ++b) area += k.of(k.w, b) * (k.of(v_, b) + k.of(v_, b + 1)) / (T(2) * box_);
    for (Index b = 0; b < k.bins; ++b) {
      k.of(k.d0, b) = low_ + (T(1) - low_) * k.of(v_, b) / area;
      k.of(k.d1, b) = low_ + (T(1) - low_) * k.of(v_, b + 1) / area;
      k.of(k.h, b) = k.of(k.w, b) * (k.of(k.d0, b) + k.of(k.d1, b)) / T(2);
    }
  }
  void backward(Tape<T>& tape, const Knots<T>& k, const Knots<T>& g, T* g_raw) const {
    const Index rows = k.rows;
    T* const g_v = tape.scratch((k.bins + 1) * rows);
    Column<T> all(g_v, (k.bins + 1) * rows), area(area_, rows), g_area(tape.scratch(rows), rows);
    all.setZero();
    g_area.setZero();
    for (Index b = 0; b < k.bins; ++b) {
      g.of(g.w, b) += g.of(g.h, b) * (k.of(k.d0, b) + k.of(k.d1, b)) / T(2);
      const auto half = g.of(g.h, b) * k.of(k.w, b) / T(2);
      k.of(g_v, b) += (g.of(g.d0, b) + half) * (T(1) - low_) / area;
      k.of(g_v, b + 1) += (g.of(g.d1, b) + half) * (T(1) - low_) / area;
    }
    for (Index b = 0; b <= k.bins; ++b) g_area -= k.of(g_v, b) * k.of(v_, b) / area;
    for (Index b = 0; b < k.bins; ++b) {
      g.of(g.w, b) += g_area * (k.of(v_, b) + k.of(v_, b + 1)) / (T(2) * box_);
      const auto half = g_area * k.of(k.w, b) / (T(2) * box_);
      k.of(g_v, b) += half;
      k.of(g_v, b + 1) += half;
    }
    widths_.backward(tape, g.w, g_raw);
    const ConstColumn<T> r(raw_, (k.bins + 1) * rows);
    Column<T>(g_raw + k.size(), (k.bins + 1) * rows) += all / (T(1) + (-r).exp());
  }

 private:
  Sizes<T> widths_;
  const T* raw_;
  T *v_, *area_;  // K + 1 slopes before they are scaled, and their integral over the unit box
  T low_, box_;
};

template <class T>
class CubicKnots {
 public:
  CubicKnots(Tape<T>& tape, const SplineShape& shape, const T* raw, const Knots<T>& k)
      : widths_(tape, raw, k.bins, k.rows, scale_of<T>(shape.min_width, shape), k.w),
        heights_(tape, raw + k.size(), k.bins, k.rows, scale_of<T>(shape.min_height, shape), k.h),
        s_(tape.scratch(k.size())),
        sigmoid_(tape.scratch(2 * k.rows)),
        low_(static_cast<T>(shape.min_slope)),
        span_(static_cast<T>(3 - shape.min_slope)) {
    Column<T>(s_, k.size()) = Column<T>(k.w, k.size()).inverse() * Column<T>(k.h, k.size());
    // σ(c) = (1 − min)/(3 − min): the slope is s at raw = 0.
    const T offset = static_cast<T>(std::log((1 - shape.min_slope) / 2));
    Column<T>(sigmoid_, 2 * k.rows) = (T(1) + (-offset - ConstColumn<T>(raw + 2 * k.size(), 2 * k.rows)).exp()).inverse();
    k.of(k.d0, 0) = k.of(s_, 0) * (low_ + span_ * Column<T>(sigmoid_, k.rows));
    k.of(k.d1, k.bins - 1) = k.of(s_, k.bins - 1) * (low_ + span_ * Column<T>(sigmoid_ + k.rows, k.rows));
    for (Index b = 1; b < k.bins; ++b) {
      k.of(k.d0, b) = (k.of(s_, b - 1).min(k.of(s_, b)) * T(2)).min(parabola(k, b));
      k.of(k.d1, b - 1) = k.of(k.d0, b);
    }
  }
  void backward(Tape<T>& tape, const Knots<T>& k, const Knots<T>& g, T* g_raw) const {
    const Index rows = k.rows;
    T* const g_s = tape.scratch(k.size());
    std::fill_n(g_s, k.size(), T(0));
    const auto end = [&](Index bin, const T* g_slope, Index side) {
      const ConstColumn<T> sigmoid(sigmoid_ + side * rows, rows), slope(g_slope + bin * rows, rows);
      k.of(g_s, bin) += slope * (low_ + span_ * sigmoid);
      Column<T>(g_raw + 2 * k.size() + side * rows, rows) += slope * k.of(s_, bin) * span_ * sigmoid * (T(1) - sigmoid);
    };
    end(0, g.d0, 0);
    end(k.bins - 1, g.d1, 1);
    Column<T> p(tape.scratch(rows), rows);
    for (Index b = 1; b < k.bins; ++b) {
      p = parabola(k, b);
      const Index left = (b - 1) * rows, right = b * rows;
      for (Index i = 0; i < rows; ++i) {
        const T slope = g.d1[left + i] + g.d0[right + i], s0 = s_[left + i], s1 = s_[right + i];
        if (p[i] <= T(2) * std::min(s0, s1)) {
          const T share = slope / (k.w[left + i] + k.w[right + i]);
          g_s[left + i] += share * k.w[right + i];
          g_s[right + i] += share * k.w[left + i];
          g.w[left + i] += share * (s1 - p[i]);
          g.w[right + i] += share * (s0 - p[i]);
        } else {
          g_s[(s0 <= s1 ? left : right) + i] += T(2) * slope;
        }
      }
    }
    const Column<T> s(s_, k.size()), w(k.w, k.size()), to_s(g_s, k.size());
    Column<T>(g.h, k.size()) += to_s / w;
    Column<T>(g.w, k.size()) -= to_s * s / w;
    widths_.backward(tape, g.w, g_raw);
    heights_.backward(tape, g.h, g_raw + k.size());
  }

 private:
  // The slope at the left end of bin b of the parabola through its three knots.
  auto parabola(const Knots<T>& k, Index b) const {
    return (k.of(s_, b - 1) * k.of(k.w, b) + k.of(s_, b) * k.of(k.w, b - 1)) / (k.of(k.w, b - 1) + k.of(k.w, b));
  }
  Sizes<T> widths_, heights_;
  T *s_, *sigmoid_;  // h/w of the bins; of the two ends
  T low_, span_;
};

/// Sums the sizes into the corners, and turns the corners' adjoints into those of the sizes before them.
template <class T>
void corners(const Knots<T>& k, T* sizes, T* at, T bound) {
  k.of(at, 0).setConstant(-bound);
  for (Index b = 1; b < k.bins; ++b) k.of(at, b) = k.of(at, b - 1) + k.of(sizes, b - 1);
}
template <class T>
void corners_backward(Tape<T>& tape, const Knots<T>& g, T* g_at, T* g_sizes) {
  Column<T> after(tape.scratch(g.rows), g.rows);
  after.setZero();
  for (Index b = g.bins - 1; b > 0; --b) {
    after += g.of(g_at, b);
    g.of(g_sizes, b - 1) += after;
  }
}

/// One feature of a block: its knots, and of each row the bin (−1, K: the lines outside) and the place t in it, from the bin's left corner or the line's end.
template <class T, template <class> class Kind, bool inverse>
class Feature {
 public:
  Feature(Tape<T>& tape, const SplineShape& shape, Index rows, Index raw_rows, const T* raw)
      : rows_(rows),
        step_(raw_rows == 1 ? 0 : 1),
        bound_(static_cast<T>(shape.bound)),
        knots_(tape, shape.bins, raw_rows),
        kind_(tape, shape, raw, knots_),
        bin_(tape.template scratch<Index>(rows)),
        t_(tape.scratch(rows)) {
    corners(knots_, knots_.w, knots_.x, bound_);
    corners(knots_, knots_.h, knots_.y, bound_);
  }

  void forward(const T* in, T* out, T* log_det) const {
    const T* const edges = inverse ? knots_.y : knots_.x;
    for (Index i = 0; i < rows_; ++i) {
      const T at = in[i];
      Index b = at < -bound_ ? -1 : 0;
      for (Index k = 1; k < knots_.bins; ++k) b += at >= edges[place(k, i)] ? 1 : 0;
      if (at > bound_) b = knots_.bins;
      bin_[i] = b;
      T slope = 1;
      if (outside(b)) {
        const T end = b < 0 ? -bound_ : bound_;
        slope = end_slope(i);
        t_[i] = inverse ? (at - end) / slope : at - end;
        out[i] = end + (inverse ? t_[i] : slope * t_[i]);
      } else {
        const Index p = place(b, i);
        const Bin<T> one = bin_at(p);
        const T within = std::max(at - edges[p], T(0));
        t_[i] = inverse ? CubicBin::solve(one, std::min(within, one.h)) : std::min(within, one.w);
        const BinValue<T> v = CubicBin::value(one, t_[i]);
        slope = v.slope;
        out[i] = inverse ? knots_.x[p] + t_[i] : knots_.y[p] + v.u;
        if (!(std::abs(at) <= bound_)) out[i] = at;  // a NaN passes through
      }
      log_det[i] = slope;
    }
    Column<T> l(log_det, rows_);
    if (inverse)
      l = -l.log();
    else
      l = l.log();
  }

  // gy, gl: adjoints of the output and of the log-det.
  void backward(Tape<T>& tape, const T* gy, const T* gl, T* g_in, T* g_raw) const {
    const Knots<T> g(tape, knots_.bins, knots_.rows);
    std::fill_n(g.w, 6 * g.size(), T(0));
    for (Index i = 0; i < rows_; ++i) {
      const bool line = outside(bin_[i]);
      const Index p = line ? place(bin_[i] < 0 ? 0 : knots_.bins - 1, i) : place(bin_[i], i);
      const Bin<T> b = bin_at(p);
      const BinSlope<T> s = line ? BinSlope<T>{end_slope(i), T(0)} : CubicBin::slope(b, t_[i]);
      // As in the rational splines: with A = gx − gl·(log f')', y gets A/f' and the parameters get −A/f' through f and −gl through log f'.
      const T through = inverse ? (gy[i] - gl[i] * s.bend) / s.slope : gy[i] * s.slope + gl[i] * s.bend;
      const T seed_u = inverse ? -through : gy[i], seed_l = inverse ? -gl[i] : gl[i];
      if (g_in) g_in[i] += through;
      if (line) {
        (bin_[i] < 0 ? g.d0 : g.d1)[p] += seed_u * t_[i] + seed_l / s.slope;
        continue;
      }
      const BinAdjoint<T> a = CubicBin::adjoint(b, t_[i], seed_u, seed_l);
      g.x[p] += inverse ? gy[i] : -through;
      g.y[p] += seed_u;
      g.w[p] += a.w;
      g.h[p] += a.h;
      g.d0[p] += a.d0;
      g.d1[p] += a.d1;
    }
    if (!g_raw) return;
    corners_backward(tape, g, g.x, g.w);
    corners_backward(tape, g, g.y, g.h);
    kind_.backward(tape, knots_, g, g_raw);
  }

 private:
  bool outside(Index bin) const { return bin < 0 || bin == knots_.bins; }
  Index place(Index bin, Index row) const { return bin * knots_.rows + row * step_; }
  T end_slope(Index i) const { return bin_[i] < 0 ? knots_.d0[place(0, i)] : knots_.d1[place(knots_.bins - 1, i)]; }
  Bin<T> bin_at(Index p) const { return {knots_.w[p], knots_.h[p], knots_.d0[p], knots_.d1[p], T(0)}; }

  Index rows_, step_;
  T bound_;
  Knots<T> knots_;
  Kind<T> kind_;
  Index* bin_;
  T* t_;
};

template <class T, template <class> class Kind, bool inverse>
Mapped<T> map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw) {
  const Index rows = x.rows, features = x.cols, stride = shape.parameters() * raw.rows;
  const bool grad = x.wants_grad() || raw.wants_grad();
  const Var<T> y = tape.make(rows, features, grad), log_det = tape.make(rows, features, grad);
  for (Index d = 0; d < features; ++d) {
    const Feature<T, Kind, inverse> feature(tape, shape, rows, raw.rows, raw.value + d * stride);
    feature.forward(x.value + d * rows, y.value + d * rows, log_det.value + d * rows);
    if (!y.wants_grad()) continue;
    tape.on_backward([=, t = &tape] {
      feature.backward(*t, y.adjoint + d * rows, log_det.adjoint + d * rows, x.wants_grad() ? x.adjoint + d * rows : nullptr,
                       raw.wants_grad() ? raw.adjoint + d * stride : nullptr);
    });
  }
  return {y, log_det};
}

template <class T, template <class> class Kind>
Mapped<T> map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse) {
  return inverse ? map<T, Kind, true>(tape, shape, x, raw) : map<T, Kind, false>(tape, shape, x, raw);
}

}  // namespace

template <class T>
Mapped<T> polynomial_spline_map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse) {
  switch (shape.kind) {
    case SplineKind::linear:
      return map<T, LinearKnots>(tape, shape, x, raw, inverse);
    case SplineKind::quadratic:
      return map<T, QuadraticKnots>(tape, shape, x, raw, inverse);
    default:
      return map<T, CubicKnots>(tape, shape, x, raw, inverse);
  }
}

template Mapped<float> polynomial_spline_map<float>(Tape<float>&, const SplineShape&, Var<float>, Var<float>, bool);
template Mapped<double> polynomial_spline_map<double>(Tape<double>&, const SplineShape&, Var<double>, Var<double>, bool);

}  // namespace flowfit::autodiff
