// From raw numbers to parameters that are bounded, positive, or on a simplex.
#include "autodiff/ops/constraints.h"

#include "autodiff/ops/columns.h"

namespace flowfit::autodiff {
namespace {

// f(raw lane, its adjoint or null, output's value, output's adjoint) for each feature: contiguous, R·count numbers.
template <class T, class F>
void each_feature(Var<T> raw, Part part, Var<T> y, F f) {
  const Index features = y.cols / part.count, from = raw.rows * part.stride, offset = raw.rows * part.first,
              to = raw.rows * part.count;
  for (Index d = 0; d < features; ++d) {
    f(ConstColumn<T>(raw.value + d * from + offset, to), raw.adjoint ? raw.adjoint + d * from + offset : nullptr,
      y.value + d * to, y.adjoint ? y.adjoint + d * to : nullptr);
  }
}

template <class T>
Var<T> make(Tape<T>& tape, Var<T> raw, Part part) {
  return tape.make(raw.rows, raw.cols / part.stride * part.count, raw.wants_grad());
}

}  // namespace

template <class T>
Var<T> part(Tape<T>& tape, Var<T> raw, Part part) {
  const Var<T> y = make(tape, raw, part);
  each_feature(raw, part, y, [](ConstColumn<T> r, T*, T* out, T*) { Column<T>(out, r.size()) = r; });
  if (y.wants_grad()) {
    tape.on_backward([=] {
      each_feature(raw, part, y,
                   [](ConstColumn<T> r, T* g_r, T*, T* g) { Column<T>(g_r, r.size()) += ConstColumn<T>(g, r.size()); });
    });
  }
  return y;
}

template <class T>
Var<T> softclip(Tape<T>& tape, Var<T> raw, Part part, double limit) {
  const T per = static_cast<T>(1 / limit);
  const Var<T> y = make(tape, raw, part);
  each_feature(raw, part, y, [per](ConstColumn<T> r, T*, T* out, T*) { Column<T>(out, r.size()) = r / (T(1) + r.abs() * per); });
  if (y.wants_grad()) {
    tape.on_backward([=] {
      each_feature(raw, part, y, [per](ConstColumn<T> r, T* g_r, T*, T* g) {
        Column<T>(g_r, r.size()) += ConstColumn<T>(g, r.size()) * (T(1) + r.abs() * per).inverse().square();
      });
    });
  }
  return y;
}

template <class T>
Var<T> positive(Tape<T>& tape, Var<T> raw, Part part, double limit) {
  const T per = static_cast<T>(1 / limit);
  const Var<T> y = make(tape, raw, part);
  each_feature(raw, part, y,
               [per](ConstColumn<T> r, T*, T* out, T*) { Column<T>(out, r.size()) = (r / (T(1) + r.abs() * per)).exp(); });
  if (y.wants_grad()) {
    tape.on_backward([=] {
      each_feature(raw, part, y, [per](ConstColumn<T> r, T* g_r, T* out, T* g) {
        Column<T>(g_r, r.size()) +=
            ConstColumn<T>(g, r.size()) * ConstColumn<T>(out, r.size()) * (T(1) + r.abs() * per).inverse().square();
      });
    });
  }
  return y;
}

template <class T>
Var<T> simplex(Tape<T>& tape, Var<T> raw, Part part, Index group, double least, double total) {
  const Var<T> y = make(tape, raw, part);
  const Index rows = raw.rows, groups = part.count / group;
  const T low = static_cast<T>(least), span = static_cast<T>(total - static_cast<double>(group) * least);
  T* scratch = tape.scratch(2 * rows);
  each_feature(raw, part, y, [=](ConstColumn<T> r, T*, T* out, T*) {
    Column<T> largest(scratch, rows), factor(scratch + rows, rows);
    for (Index m = 0; m < groups; ++m) {
      const T* in = r.data() + m * group * rows;
      T* shares = out + m * group * rows;
      softmax_terms(in, group, rows, shares, largest, factor);
      factor = span / factor;
      for (Index k = 0; k < group; ++k) {
        Column<T> share(shares + k * rows, rows);
        share = low + share * factor;
      }
    }
  });
  if (y.wants_grad()) {
    tape.on_backward([=] {
      each_feature(raw, part, y, [=](ConstColumn<T>, T* g_r, T* out, T* g) {
        Column<T> dot(scratch, rows);
        for (Index m = 0; m < groups; ++m) {
          const Index at = m * group * rows;
          dot.setZero();
          for (Index k = 0; k < group; ++k)
            dot += (ConstColumn<T>(out + at + k * rows, rows) - low) * ConstColumn<T>(g + at + k * rows, rows);
          dot /= span;
          for (Index k = 0; k < group; ++k) {
            Column<T>(g_r + at + k * rows, rows) +=
                (ConstColumn<T>(out + at + k * rows, rows) - low) * (ConstColumn<T>(g + at + k * rows, rows) - dot);
          }
        }
      });
    });
  }
  return y;
}

#define FLOWFIT_INSTANTIATE(T)                                 \
  template Var<T> part<T>(Tape<T>&, Var<T>, Part);             \
  template Var<T> softclip<T>(Tape<T>&, Var<T>, Part, double); \
  template Var<T> positive<T>(Tape<T>&, Var<T>, Part, double); \
  template Var<T> simplex<T>(Tape<T>&, Var<T>, Part, Index, double, double);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
