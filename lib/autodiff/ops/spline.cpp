// The fused spline: its knots, each row's bin among them, then only that bin.
#include "autodiff/ops/spline.h"

#include <limits>

#include "autodiff/ops/polynomial_spline.h"
#include "autodiff/ops/spline_bin.h"
#include "autodiff/ops/spline_own.h"
#include "autodiff/ops/spline_shared.h"
#include "core/vectorize.h"

namespace flowfit::autodiff {
namespace {

template <class T>
T clamped(T x, T bound) {
  return std::min(std::max(x, -bound), bound);
}

template <class T, class Kind>
class Spline {
 public:
  Spline(const SplineShape& shape, Index rows, Index raw_rows)
      : shape_(shape),
        rows_(rows),
        raw_rows_(raw_rows),
        shared_(raw_rows == 1),
        bound_(shape_.bound),
        tail_(shape_.periodic ? std::numeric_limits<T>::infinity() : bound_) {}

  Kept<T> keep(Tape<T>& tape) const { return autodiff::keep(tape, shape_.bins, raw_rows_, rows_, shared_); }

  template <bool inverse>
  void forward(Tape<T>& tape, const T* in, const T* raw, T* out, T* log_det, const Kept<T>& kept) const {
    const Kept<T> k = kept;  // a copy: its pointers stay in registers
    const typename Tape<T>::Scratch scratch(tape);
    const T* const turns = shape_.periodic ? wrap(tape, in) : nullptr;
    if (shared_)
      SharedKnots<T>(shape_, rows_).template find<inverse>(tape, in, raw, k);
    else
      OwnKnots<T>(shape_, rows_).template find<inverse>(tape, in, raw, k);

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
    if (shape_.periodic) Column<T>(out, rows_) += ConstColumn<T>(turns, rows_);
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
    const typename Tape<T>::Scratch scratch(tape);
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
    if (shared_)
      SharedKnots<T>(shape_, rows_).backward(tape, k, g, g_raw);
    else
      OwnKnots<T>(shape_, rows_).backward(tape, k, g, g_raw);
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

  KnotShape<T> shape_;
  Index rows_, raw_rows_;
  bool shared_;     // one set of knots for all rows
  T bound_, tail_;  // tail_: where the identity begins
};

template <class T, class Kind, bool inverse>
Mapped<T> map(Tape<T>& tape, const SplineShape& shape, Var<T> x, Var<T> raw) {
  const Index rows = x.rows, features = x.cols, stride = shape.parameters() * raw.rows;
  const Spline<T, Kind> spline(shape, rows, raw.rows);
  const bool grad = x.wants_grad() || raw.wants_grad();
  const Var<T> y = tape.make(rows, features, grad), log_det = tape.make(rows, features, grad);
  const auto forward = [&](Index d) {
    const Kept<T> kept = spline.keep(tape);
    spline.template forward<inverse>(tape, x.value + d * rows, raw.value + d * stride, y.value + d * rows,
                                     log_det.value + d * rows, kept);
    return kept;
  };
  if (!y.wants_grad()) {
    for (Index d = 0; d < features; ++d) {
      const typename Tape<T>::Scratch scratch(tape);
      forward(d);
    }
  } else {
    Kept<T>* kept = tape.template scratch<Kept<T>>(features);
    for (Index d = 0; d < features; ++d) kept[d] = forward(d);
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
