// The fused spline: softmax of widths and heights, a search that counts knots, then only the selected bin.
#include "autodiff/ops/spline.h"

#include <limits>

#include "autodiff/ops/spline_bin.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

template <class T>
using Lane = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstLane = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

constexpr double lambda_low = 0.025, lambda_span = 0.95;

/// What one feature keeps for the way back: softmax shares (K x R each) and, for each row, its bin and what was selected there.
template <class T>
struct Kept {
  T *widths, *heights;                // K·R softmax shares
  T *bin, *w, *h, *d0, *d1, *lambda;  // B each; bin as a number, so that loops over it vectorize
  T *slope0, *slope1, *lambda_slope;  // d d0 / d raw, d d1 / d raw, dλ / d raw; 0 where nothing is learned
  T* inner;                           // t: place in the bin, on the side where the formulas are evaluated
};

template <class T>
Kept<T> keep(Tape<T>& tape, Index bins, Index raw_rows, Index rows) {
  T* at = tape.scratch(2 * bins * raw_rows + 10 * rows);
  Kept<T> k;
  k.widths = at;
  k.heights = at + bins * raw_rows;
  T* row = at + 2 * bins * raw_rows;
  for (T** field : {&k.bin, &k.w, &k.h, &k.d0, &k.d1, &k.lambda, &k.slope0, &k.slope1, &k.lambda_slope, &k.inner}) {
    *field = row;
    row += rows;
  }
  return k;
}

// shares(:, k) = softmax over k of raw(:, k), for `rows` rows. `edge` is scratch.
template <class T>
void softmax(const T* raw, Index bins, Index rows, T* shares, T* edge) {
  Lane<T> largest(edge, rows), sum(edge + rows, rows);
  largest = ConstLane<T>(raw, rows);
  for (Index k = 1; k < bins; ++k) largest = largest.max(ConstLane<T>(raw + k * rows, rows));
  sum.setZero();
  for (Index k = 0; k < bins; ++k) {
    Lane<T> share(shares + k * rows, rows);
    share = (ConstLane<T>(raw + k * rows, rows) - largest).exp();
    sum += share;
  }
  sum = sum.inverse();
  for (Index k = 0; k < bins; ++k) Lane<T>(shares + k * rows, rows) *= sum;
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
  Lane<T>(knots, rows).setConstant(-bound);
  for (Index k = 1; k < bins; ++k)
    Lane<T>(knots + k * rows, rows) =
        Lane<T>(knots + (k - 1) * rows, rows) + (scale.low + scale.span * ConstLane<T>(shares + (k - 1) * rows, rows));
}

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
        parameters_(shape.parameters()),
        rows_(rows),
        raw_rows_(raw_rows),
        step_(raw_rows == 1 ? 0 : 1),
        bound_(static_cast<T>(shape.bound)),
        min_slope_(static_cast<T>(shape.min_slope)),
        offset_(slope_offset<T>(shape)),
        width_(scale_of<T>(shape.min_width, shape)),
        height_(scale_of<T>(shape.min_height, shape)),
        learns_lambda_(shape.kind == SplineKind::rational_linear) {}

  template <bool inverse>
  void forward(Tape<T>& tape, const T* in, const T* raw, T* out, T* log_det, const Kept<T>& kept) const {
    const Kept<T> k = kept;  // a copy: its pointers stay in registers
    T* edges = tape.scratch(std::max(2 * bins_ * raw_rows_, 2 * raw_rows_));
    T* y_edges = edges + bins_ * raw_rows_;
    T* softmax_scratch = tape.scratch(2 * raw_rows_);
    softmax(raw, bins_, raw_rows_, k.widths, softmax_scratch);
    softmax(raw + bins_ * raw_rows_, bins_, raw_rows_, k.heights, softmax_scratch);
    left_edges(k.widths, bins_, raw_rows_, width_, bound_, edges);
    left_edges(k.heights, bins_, raw_rows_, height_, bound_, y_edges);

    T* x_left = tape.scratch(2 * rows_);
    T* y_left = x_left + rows_;
    select(in, raw, edges, y_edges, inverse, k, x_left, y_left);
    slopes(k);

    T* slope = log_det;
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const Bin<T> b{k.w[i], k.h[i], k.d0[i], k.d1[i], k.lambda[i]};
      const T inside = clamped(in[i], bound_);
      const T t = inverse ? Kind::solve(b, std::min(std::max(inside - y_left[i], T(0)), b.h))
                          : std::min(std::max(inside - x_left[i], T(0)), b.w);
      const BinValue<T> v = Kind::value(b, t);
      k.inner[i] = t;
      const bool tail = !(std::abs(in[i]) < bound_);  // a NaN passes through
      const T mapped = inverse ? x_left[i] + t : y_left[i] + v.u;
      out[i] = tail ? in[i] : mapped;
      slope[i] = tail ? T(1) : v.slope;
    }
    Lane<T> l(log_det, rows_);
    if (inverse)
      l = -l.log();
    else
      l = l.log();
  }

  // gy, gl: adjoints of the output and of the log-det.
  template <bool inverse>
  void backward(Tape<T>& tape, const T* in, const T* gy, const T* gl, T* g_in, T* g_raw, const Kept<T>& kept) const {
    const Kept<T> k = kept;
    T* g = tape.scratch(6 * rows_);
    T *g_xl = g, *g_yl = g + rows_, *g_w = g + 2 * rows_, *g_h = g + 3 * rows_, *g_d0 = g + 4 * rows_, *g_d1 = g + 5 * rows_;
    T* g_lambda = tape.scratch(rows_);
    T* g_input = g_in ? g_in : tape.scratch(rows_);  // a branch in the loop would keep it from being vectorized
    FLOWFIT_VECTORIZE
    for (Index i = 0; i < rows_; ++i) {
      const Bin<T> b{k.w[i], k.h[i], k.d0[i], k.d1[i], k.lambda[i]};
      const bool tail = !(std::abs(in[i]) < bound_);
      T seed_u = gy[i], seed_l = gl[i], through = T(0);
      if constexpr (inverse) {
        // x = f⁻¹(y), log_det = −log f'(x): with A = gx + d(−gl·log f')/dx, y gets A/f' and the parameters get −A/f' through f and −gl
        // through log f'.
        const T slope = Kind::value(b, k.inner[i]).slope;
        through = (gy[i] + Kind::adjoint(b, k.inner[i], T(0), -gl[i]).t) / slope;
        seed_u = -through;
        seed_l = -gl[i];
      }
      const BinAdjoint<T> a = Kind::adjoint(b, k.inner[i], seed_u, seed_l);
      g_input[i] += tail ? gy[i] : (inverse ? through : a.t);
      g_xl[i] = tail ? T(0) : -a.t;
      g_yl[i] = tail ? T(0) : seed_u;
      g_w[i] = tail ? T(0) : a.w;
      g_h[i] = tail ? T(0) : a.h;
      g_d0[i] = tail ? T(0) : a.d0 * k.slope0[i];
      g_d1[i] = tail ? T(0) : a.d1 * k.slope1[i];
      g_lambda[i] = tail ? T(0) : a.lambda * k.lambda_slope[i];
    }
    if (!g_raw) return;
    softmax_backward(tape, k.bin, k.widths, g_xl, g_w, width_.span, g_raw);
    softmax_backward(tape, k.bin, k.heights, g_yl, g_h, height_.span, g_raw + bins_ * raw_rows_);
    T* g_slopes = g_raw + 2 * bins_ * raw_rows_;
    T* g_lambdas = g_slopes + (bins_ - 1) * raw_rows_;
    for (Index i = 0; i < rows_; ++i) {
      const Index bin = static_cast<Index>(k.bin[i]), at = i * step_;
      if (bin > 0) g_slopes[(bin - 1) * raw_rows_ + at] += g_d0[i];
      if (bin < bins_ - 1) g_slopes[bin * raw_rows_ + at] += g_d1[i];
      if (learns_lambda_) g_lambdas[bin * raw_rows_ + at] += g_lambda[i];
    }
  }

 private:
  // Finds each row's bin by counting the knots at or below it, then gathers that bin's numbers (d0, d1, lambda still raw).
  void select(const T* in, const T* raw, const T* x_edges, const T* y_edges, bool inverse, const Kept<T>& k, T* x_left,
              T* y_left) const {
    const T* edges = inverse ? y_edges : x_edges;
    Lane<T>(k.bin, rows_).setZero();
    for (Index b = 1; b < bins_; ++b) {
      const T* edge = edges + b * raw_rows_;
      if (step_ == 0) {
        for (Index i = 0; i < rows_; ++i) k.bin[i] += in[i] >= edge[0] ? T(1) : T(0);
      } else {
        for (Index i = 0; i < rows_; ++i) k.bin[i] += in[i] >= edge[i] ? T(1) : T(0);
      }
    }
    const T* slopes = raw + 2 * bins_ * raw_rows_;
    const T* lambdas = slopes + (bins_ - 1) * raw_rows_;
    for (Index i = 0; i < rows_; ++i) {
      const Index bin = static_cast<Index>(k.bin[i]), at = i * step_, place = bin * raw_rows_ + at;
      x_left[i] = x_edges[place];
      y_left[i] = y_edges[place];
      k.w[i] = width_.low + width_.span * k.widths[place];
      k.h[i] = height_.low + height_.span * k.heights[place];
      k.d0[i] = bin > 0 ? slopes[place - raw_rows_] : T(0);
      k.d1[i] = bin < bins_ - 1 ? slopes[place] : T(0);
      k.lambda[i] = learns_lambda_ ? lambdas[place] : T(0);
    }
  }

  // Raw slopes and places of the selected knots → their values and derivatives. The ends are exactly 1.
  void slopes(const Kept<T>& k) const {
    const auto softplus = [&](T* d, T* derivative, T end_bin) {
      Lane<T> v(d, rows_), s(derivative, rows_);
      v += offset_;
      s = (-v.abs()).exp();  // e^−|v|
      T* const one_plus = k.inner;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) {
        const T e = derivative[i];
        derivative[i] = (d[i] >= T(0) ? T(1) : e) / (T(1) + e);
        d[i] = std::max(d[i], T(0));
        one_plus[i] = T(1) + e;
      }
      v += Lane<T>(k.inner, rows_).log() + min_slope_;
      const T* const bin = k.bin;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) {
        const bool end = bin[i] == end_bin;
        d[i] = end ? T(1) : d[i];
        derivative[i] = end ? T(0) : derivative[i];
      }
    };
    softplus(k.d0, k.slope0, T(0));
    softplus(k.d1, k.slope1, static_cast<T>(bins_ - 1));
    if (!learns_lambda_) return;
    Lane<T> lambda(k.lambda, rows_), derivative(k.lambda_slope, rows_);
    lambda = (T(1) + (-lambda).exp()).inverse();
    derivative = T(lambda_span) * lambda * (T(1) - lambda);
    lambda = T(lambda_low) + T(lambda_span) * lambda;
  }

  // The left edge of a row's bin is a sum of the sizes before it; size = low + span·softmax(raw).
  void softmax_backward(Tape<T>& tape, const T* bin, const T* shares, const T* g_left, const T* g_size, T span, T* g_raw) const {
    if (step_ == 0) {
      // One softmax for all rows: add up by bin first, then sizes before a bin by a running sum from the right.
      T* left = tape.scratch(2 * bins_);
      T* size = left + bins_;
      std::fill_n(left, 2 * bins_, T(0));
      for (Index i = 0; i < rows_; ++i) {
        const Index b = static_cast<Index>(bin[i]);
        left[b] += g_left[i];
        size[b] += g_size[i];
      }
      T after = 0, dot = 0;
      for (Index b = bins_ - 1; b >= 0; --b) {
        size[b] += after;
        after += left[b];
        dot += shares[b] * size[b];
      }
      for (Index b = 0; b < bins_; ++b) g_raw[b] += span * shares[b] * (size[b] - dot);
      return;
    }
    T* dot = tape.scratch(rows_);
    std::fill_n(dot, rows_, T(0));
    for (Index b = 0; b < bins_; ++b) {
      const T at = static_cast<T>(b);
      const T* share = shares + b * rows_;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i) dot[i] += share[i] * (at < bin[i] ? g_left[i] : (at == bin[i] ? g_size[i] : T(0)));
    }
    for (Index b = 0; b < bins_; ++b) {
      const T at = static_cast<T>(b);
      const T* share = shares + b * rows_;
      T* out = g_raw + b * rows_;
      FLOWFIT_VECTORIZE
      for (Index i = 0; i < rows_; ++i)
        out[i] += span * share[i] * ((at < bin[i] ? g_left[i] : (at == bin[i] ? g_size[i] : T(0))) - dot[i]);
    }
  }

  Index bins_, parameters_, rows_, raw_rows_, step_;
  T bound_, min_slope_, offset_;
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
    kept[d] = keep(tape, shape.bins, raw.rows, rows);
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

template <class T>
Mapped<T> spline_map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw, bool inverse) {
  return shape.kind == SplineKind::rational_linear ? map<T, RationalLinearBin>(tape, shape, x, raw, inverse)
                                                   : map<T, RationalQuadraticBin>(tape, shape, x, raw, inverse);
}

template Mapped<float> spline_map<float>(Tape<float>&, const SplineShape&, Var<float>, Var<float>, bool);
template Mapped<double> spline_map<double>(Tape<double>&, const SplineShape&, Var<double>, Var<double>, bool);

}  // namespace flowfit::autodiff
