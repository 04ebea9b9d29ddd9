// The fused spline: softmax of widths and heights, a search that counts knots, then only the selected bin.
#include "autodiff/ops/spline.h"

#include <limits>

#include "autodiff/ops/polynomial_spline.h"
#include "autodiff/ops/spline_bin.h"
#include "autodiff/ops/spline_knots.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

constexpr double lambda_low = 0.025, lambda_span = 0.95;

template <class T>
T clamped(T x, T bound) {
  return std::min(std::max(x, -bound), bound);
}

// raw + c goes through softplus; the result is 1 at raw = 0.
template <class T>
T slope_offset(const SplineShape& shape) {
  return static_cast<T>(std::log(std::expm1(1.0 - shape.min_slope)));
}

template <class T, class Kind>
class Spline {
 public:
  Spline(const SplineShape& shape, Index rows, Index raw_rows)
      : bins_(shape.bins),
        slopes_(shape.slopes()),
        rows_(rows),
        raw_rows_(raw_rows),
        shared_(raw_rows == 1),
        periodic_(shape.periodic),
        bound_(static_cast<T>(shape.bound)),
        tail_(periodic_ ? std::numeric_limits<T>::infinity() : bound_),
        min_slope_(static_cast<T>(shape.min_slope)),
        offset_(slope_offset<T>(shape)),
        width_(scale_of<T>(shape.min_width, shape)),
        height_(scale_of<T>(shape.min_height, shape)),
        learns_lambda_(shape.kind == SplineKind::rational_linear) {}

  Kept<T> keep(Tape<T>& tape) const { return autodiff::keep(tape, bins_, raw_rows_, rows_, shared_); }

  template <bool inverse>
  void forward(Tape<T>& tape, const T* in, const T* raw, T* out, T* log_det, const Kept<T>& kept) const {
    const Kept<T> k = kept;  // a copy: its pointers stay in registers
    T* edges = tape.scratch(2 * bins_ * raw_rows_);
    T* y_edges = edges + bins_ * raw_rows_;
    T* softmax_scratch = tape.scratch(2 * raw_rows_);
    softmax(raw, bins_, raw_rows_, k.widths, softmax_scratch);
    softmax(raw + bins_ * raw_rows_, bins_, raw_rows_, k.heights, softmax_scratch);
    left_edges(k.widths, bins_, raw_rows_, width_, bound_, edges);
    left_edges(k.heights, bins_, raw_rows_, height_, bound_, y_edges);

    const T* const turns = periodic_ ? wrap(tape, in) : nullptr;
    count_knots(in, inverse ? y_edges : edges, k.bin);
    if (shared_) {
      T* numbers = tape.scratch(bins_);
      for (Index b = 0; b < bins_; ++b) numbers[b] = static_cast<T>(b);
      gather(raw, edges, y_edges, k, numbers, bins_, k.table);
      slopes(tape, k, numbers, bins_, k.table);
      copy_from_table(k);
    } else {
      gather(raw, edges, y_edges, k, k.bin, rows_, k.rows);
      slopes(tape, k, k.bin, rows_, k.rows);
    }

    const Bins<T> r = k.rows;
    T* slope = log_det;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const Bin<T> b{r.w[i], r.h[i], r.d0[i], r.d1[i], r.lambda[i]};
      const T inside = clamped(in[i], bound_);
      const T t = inverse ? Kind::solve(b, std::min(std::max(inside - r.y_left[i], T(0)), b.h))
                          : std::min(std::max(inside - r.x_left[i], T(0)), b.w);
      const BinValue<T> v = Kind::value(b, t);
      k.inner[i] = t;
      const bool tail = !(std::abs(in[i]) < tail_);  // a NaN passes through
      const T mapped = inverse ? r.x_left[i] + t : r.y_left[i] + v.u;
      out[i] = tail ? in[i] : mapped;
      slope[i] = tail ? T(1) : v.slope;
    }
    if (periodic_) Column<T>(out, rows_) += ConstColumn<T>(turns, rows_);
    Column<T> l(log_det, rows_);
    if (inverse)
      l = -l.log();
    else
      l = l.log();
  }

  // gy, gl: adjoints of the output and of the log-det.
  template <bool inverse>
  void backward(Tape<T>& tape, const T* in, const T* gy, const T* gl, T* g_in, T* g_raw, const Kept<T>& kept) const {
    const Kept<T> k = kept;
    const Bins<T> r = k.rows;
    T* at = tape.scratch(7 * rows_);
    const Bins<T> g = take_bins(at, rows_);
    T* g_input = g_in ? g_in : tape.scratch(rows_);  // a branch in the loop would keep it from being vectorized
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const Bin<T> b{r.w[i], r.h[i], r.d0[i], r.d1[i], r.lambda[i]};
      const bool tail = !(std::abs(in[i]) < tail_);
      const BinSlope<T> s = Kind::slope(b, k.inner[i]);
      // inverse: x = f⁻¹(y), log_det = −log f'(x): with A = gx − gl·(log f')', y gets A/f' and the parameters get −A/f' through f and
      // −gl through log f'.
      const T through = inverse ? (gy[i] - gl[i] * s.bend) / s.slope : gy[i] * s.slope + gl[i] * s.bend;
      const T seed_u = inverse ? -through : gy[i], seed_l = inverse ? -gl[i] : gl[i];
      const BinAdjoint<T> a = Kind::adjoint(b, k.inner[i], seed_u, seed_l);
      g_input[i] += tail ? gy[i] : through;
      g.x_left[i] = tail ? T(0) : (inverse ? gy[i] : -through);
      g.y_left[i] = tail ? T(0) : seed_u;
      g.w[i] = tail ? T(0) : a.w;
      g.h[i] = tail ? T(0) : a.h;
      g.d0[i] = tail ? T(0) : a.d0;
      g.d1[i] = tail ? T(0) : a.d1;
      g.lambda[i] = tail ? T(0) : a.lambda;
    }
    if (!g_raw) return;
    T* const g_heights = g_raw + bins_ * raw_rows_;
    T* const g_slopes = g_heights + bins_ * raw_rows_;
    if (shared_) {
      const Bins<T> sum = sum_by_bin(tape, k, g);
      sizes_backward(k.widths, sum.x_left, sum.w, width_.span, g_raw);
      sizes_backward(k.heights, sum.y_left, sum.h, height_.span, g_heights);
      for (Index b = 0; b < bins_; ++b) add_slopes(k, sum, b, b, 0, g_slopes);
    } else {
      sizes_backward(tape, k.bin, k.widths, r.x_left, g.x_left, g.w, width_, g_raw);
      sizes_backward(tape, k.bin, k.heights, r.y_left, g.y_left, g.h, height_, g_heights);
      for (Index i = 0; i < rows_; ++i) add_slopes(k, g, i, static_cast<Index>(k.bin[i]), i, g_slopes);
    }
  }

 private:
  // On the circle: moves `in` to the entries' places in the box; returns what was taken off, whole turns.
  const T* wrap(Tape<T>& tape, const T*& in) const {
    T* const places = tape.scratch(2 * rows_);
    Column<T> place(places, rows_), turn(places + rows_, rows_);
    turn = T(2) * bound_ * ((ConstColumn<T>(in, rows_) + bound_) / (T(2) * bound_)).floor();
    place = ConstColumn<T>(in, rows_) - turn;
    in = places;
    return places + rows_;
  }

  // Each row's bin: the number of inner knots at or below it.
  void count_knots(const T* in, const T* edges, T* bin) const {
    std::fill_n(bin, rows_, T(0));
    for (Index b = 1; b < bins_; ++b) {
      const T* edge = edges + b * raw_rows_;
      if (shared_) {
        for (Index i = 0; i < rows_; ++i) bin[i] += in[i] >= edge[0] ? T(1) : T(0);
      } else {
        for (Index i = 0; i < rows_; ++i) bin[i] += in[i] >= edge[i] ? T(1) : T(0);
      }
    }
  }

  // The numbers of bin[i] for each of `count` entries (d0, d1, lambda still raw).
  void gather(const T* raw, const T* x_edges, const T* y_edges, const Kept<T>& k, const T* bin, Index count,
              const Bins<T>& to) const {
    const T* slopes = raw + 2 * bins_ * raw_rows_;
    const T* lambdas = slopes + slopes_ * raw_rows_;
    const Index step = shared_ ? 0 : 1;
    for (Index i = 0; i < count; ++i) {
      const Index b = static_cast<Index>(bin[i]), place = b * raw_rows_ + i * step;
      to.x_left[i] = x_edges[place];
      to.y_left[i] = y_edges[place];
      to.w[i] = width_.low + width_.span * k.widths[place];
      to.h[i] = height_.low + height_.span * k.heights[place];
      to.d0[i] = b > 0 ? slopes[place - raw_rows_] : (periodic_ ? slopes[place + (bins_ - 1) * raw_rows_] : T(0));
      to.d1[i] = b < slopes_ ? slopes[place] : T(0);
      to.lambda[i] = learns_lambda_ ? lambdas[place] : T(0);
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

  // Raw slopes and places of the selected knots → their values and derivatives. The ends of a line are exactly 1.
  void slopes(Tape<T>& tape, const Kept<T>& k, const T* bin, Index count, const Bins<T>& b) const {
    T* const one_plus = tape.scratch(count);
    const auto softplus = [&](T* d, T* derivative, T end_bin) {
      Column<T> v(d, count), s(derivative, count);
      v += offset_;
      s = (-v.abs()).exp();  // e^−|v|
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < count; ++i) {
        const T e = derivative[i];
        derivative[i] = (d[i] >= T(0) ? T(1) : e) / (T(1) + e);
        d[i] = std::max(d[i], T(0));
        one_plus[i] = T(1) + e;
      }
      v += Column<T>(one_plus, count).log() + min_slope_;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < count; ++i) {
        const bool end = bin[i] == end_bin;
        d[i] = end ? T(1) : d[i];
        derivative[i] = end ? T(0) : derivative[i];
      }
    };
    const T nowhere = T(-1);
    softplus(b.d0, k.slope0, periodic_ ? nowhere : T(0));
    softplus(b.d1, k.slope1, periodic_ ? nowhere : static_cast<T>(bins_ - 1));
    if (!learns_lambda_) return;
    Column<T> lambda(b.lambda, count), derivative(k.lambda_slope, count);
    lambda = (T(1) + (-lambda).exp()).inverse();
    derivative = T(lambda_span) * lambda * (T(1) - lambda);
    lambda = T(lambda_low) + T(lambda_span) * lambda;
  }

  // Adds up the rows' adjoints by bin. Even and odd rows apart, so that one sum need not wait for the other.
  Bins<T> sum_by_bin(Tape<T>& tape, const Kept<T>& k, const Bins<T>& g) const {
    T* sums = tape.scratch(7 * bins_);
    constexpr Index fields = 7;
    const T* const from[fields] = {g.x_left, g.y_left, g.w, g.h, g.d0, g.d1, g.lambda};
    T* const part = tape.scratch(16 * bins_);
    std::fill_n(part, 16 * bins_, T(0));
    for (Index i = 0; i < rows_; ++i) {
      T* const to = part + 8 * (2 * static_cast<Index>(k.bin[i]) + i % 2);
      for (Index f = 0; f < fields; ++f) to[f] += from[f][i];
    }
    for (Index b = 0; b < bins_; ++b) {
      for (Index f = 0; f < fields; ++f) sums[f * bins_ + b] = part[16 * b + f] + part[16 * b + 8 + f];
    }
    T* at = sums;
    return take_bins(at, bins_);
  }

  // Adjoints of the selected knots → raw slopes and places. Entry i of `g` and of the derivatives belongs to bin b, and to row `at` of raw.
  void add_slopes(const Kept<T>& k, const Bins<T>& g, Index i, Index b, Index at, T* g_slopes) const {
    if (b > 0 || periodic_) g_slopes[(b > 0 ? b - 1 : bins_ - 1) * raw_rows_ + at] += g.d0[i] * k.slope0[i];
    if (b < slopes_) g_slopes[b * raw_rows_ + at] += g.d1[i] * k.slope1[i];
    if (learns_lambda_) g_slopes[(slopes_ + b) * raw_rows_ + at] += g.lambda[i] * k.lambda_slope[i];
  }

  // One softmax for all rows: the left edge of a bin is a sum of the sizes before it, and size = low + span·softmax(raw). `size` is overwritten.
  void sizes_backward(const T* shares, const T* left, T* size, T span, T* g_raw) const {
    T after = 0, dot = 0;
    for (Index b = bins_ - 1; b >= 0; --b) {
      size[b] += after;
      after += left[b];
      dot += shares[b] * size[b];
    }
    for (Index b = 0; b < bins_; ++b) g_raw[b] += span * shares[b] * (size[b] - dot);
  }

  // The same for a softmax a row: sizes before the row's bin get g_left, its own gets g_size, the others nothing.
  void sizes_backward(Tape<T>& tape, const T* bin, const T* shares, const T* left, const T* g_left, const T* g_size,
                      Scale<T> scale, T* g_raw) const {
    T* before = tape.scratch(3 * rows_);
    T *own = before + rows_, *after = own + rows_;
    const T per_span = T(1) / scale.span;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      // The shares before the bin, from its left edge.
      const T sum_before = (left[i] + bound_ - bin[i] * scale.low) * per_span;
      before[i] = scale.span * g_left[i];
      own[i] = scale.span * g_size[i];
      after[i] = before[i] * sum_before;
    }
    // Its own share, from where it lies: the size that was made of it has lost digits.
    for (Index i = 0; i < rows_; ++i) after[i] += own[i] * shares[static_cast<Index>(bin[i]) * rows_ + i];
    for (Index b = 0; b < bins_; ++b) {
      const T at = static_cast<T>(b);
      const T* share = shares + b * rows_;
      T* out = g_raw + b * rows_;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i)
        out[i] += share[i] * ((at < bin[i] ? before[i] : (at == bin[i] ? own[i] : T(0))) - after[i]);
    }
  }

  Index bins_, slopes_, rows_, raw_rows_;
  bool shared_;  // one set of knots for all rows
  bool periodic_;
  T bound_, tail_, min_slope_, offset_;  // tail_: where the identity begins
  Scale<T> width_, height_;
  bool learns_lambda_;
};

template <class T, class Kind, bool inverse>
Mapped<T> map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw) {
  const Index rows = x.rows, features = x.cols, stride = shape.parameters() * raw.rows;
  const Spline<T, Kind> spline(shape, rows, raw.rows);
  const bool grad = x.wants_grad() || raw.wants_grad();
  const Var<T> y = tape.make(rows, features, grad), log_det = tape.make(rows, features, grad);
  Kept<T>* kept = tape.template scratch<Kept<T>>(features);
  for (Index d = 0; d < features; ++d) {
    kept[d] = spline.keep(tape);
    spline.template forward<inverse>(tape, x.value + d * rows, raw.value + d * stride, y.value + d * rows,
                                     log_det.value + d * rows, kept[d]);
  }
  if (y.wants_grad()) {
    tape.on_backward([=, t = &tape] {
      for (Index d = 0; d < features; ++d) {
        spline.template backward<inverse>(*t, x.value + d * rows, y.adjoint + d * rows, log_det.adjoint + d * rows,
                                          x.wants_grad() ? x.adjoint + d * rows : nullptr,
                                          raw.wants_grad() ? raw.adjoint + d * stride : nullptr, kept[d]);
      }
    });
  }
  return {y, log_det};
}

template <class T, class Kind>
Mapped<T> map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse) {
  return inverse ? map<T, Kind, true>(tape, shape, x, raw) : map<T, Kind, false>(tape, shape, x, raw);
}

}  // namespace

int SplineShape::parameters() const {
  switch (kind) {
    case SplineKind::rational_quadratic:
      return 2 * bins + slopes();
    case SplineKind::rational_linear:
      return 3 * bins + slopes();
    case SplineKind::linear:
      return bins;
    case SplineKind::quadratic:
      return 2 * bins + 1;
    default:
      return 2 * bins + 2;
  }
}

template <class T>
Mapped<T> spline_map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse) {
  if (!shape.rational()) return polynomial_spline_map(tape, shape, x, raw, inverse);
  return shape.kind == SplineKind::rational_linear ? map<T, RationalLinearBin>(tape, shape, x, raw, inverse)
                                                   : map<T, RationalQuadraticBin>(tape, shape, x, raw, inverse);
}

template Mapped<float> spline_map<float>(Tape<float>&, const SplineShape&, Var<float>, Var<float>, bool);
template Mapped<double> spline_map<double>(Tape<double>&, const SplineShape&, Var<double>, Var<double>, bool);

}  // namespace flowfit::autodiff
