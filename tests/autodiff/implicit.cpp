// Numeric inverses: steep, flat and kinked maps, gradients against differences, and one entry's bits whatever its neighbours are.
#include "autodiff/implicit.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

// y = x + a·max(x, 0) + tanh(s·x): a kink at 0, and a steep place for a large s. a: 1 x 1.
template <class T>
Mapped<T> bent(Tape<T>& tape, Var<T> x, Var<T> a, T s) {
  const bool grad = x.wants_grad() || a.wants_grad();
  const Var<T> y = tape.make(x.rows, x.cols, grad), log_det = tape.make(x.rows, x.cols, grad);
  T* slope = tape.scratch(x.size());
  for (Index i = 0; i < x.size(); ++i) {
    const T v = x.value[i], t = std::tanh(s * v);
    y.value[i] = v + a.value[0] * std::max(v, T(0)) + t;
    slope[i] = T(1) + (v > 0 ? a.value[0] : T(0)) + s * (T(1) - t * t);
    log_det.value[i] = std::log(slope[i]);
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = 0; i < x.size(); ++i) {
        const T v = x.value[i], t = std::tanh(s * v), gl = log_det.adjoint[i] / slope[i];
        if (x.wants_grad()) x.adjoint[i] += y.adjoint[i] * slope[i] - gl * 2 * s * s * t * (1 - t * t);
        if (a.wants_grad() && v > 0) a.adjoint[0] += y.adjoint[i] * v + gl;
      }
    });
  }
  return {y, log_det};
}

template <class T>
T worst_error(T s, T scale) {
  Tape<T> tape;
  const Matrix<T> y = normals<T>(block, 3, 1, static_cast<double>(scale));
  const Var<T> in = input(tape, y), a = input(tape, Matrix<T>(Matrix<T>::Constant(1, 1, T(3))));
  const Var<T> x = tape.make(block, 3, false);
  autodiff::solve_increasing(
      tape, in, [&](Var<T> at) { return bent(tape, at, a, s); }, x.value);
  const Matrix<T> back = bent(tape, x, a, s).value.val();
  return ((back - y).array().abs() / (T(1) + y.array().abs())).maxCoeff();
}

}  // namespace

TEST_CASE("implicit: the root is found to rounding, near and far, steep and flat") {
  for (const double s : {0.0, 1.0, 30.0, 1000.0}) {
    for (const double scale : {1e-6, 1.0, 1e6}) {
      CAPTURE(s);
      CAPTURE(scale);
      CHECK(worst_error<double>(s, scale) <= 1e-12);
      CHECK(worst_error<float>(static_cast<float>(s), static_cast<float>(scale)) <= 2e-5f);
    }
  }
}

TEST_CASE("implicit: gradients by y and by what the map looks at are those of differences") {
  const auto run = [](Tape<double>& tape, std::span<const Var<double>> in) {
    const Mapped<double> m =
        autodiff::invert_increasing(tape, in[0], [&, a = in[1]](Var<double> x) { return bent(tape, x, a, 2.0); });
    return std::vector<Var<double>>{m.value, m.log_det};
  };
  CHECK(autodiff::check_vjp(run, {normals<double>(12, 2, 5), Matrix<double>::Constant(1, 1, 0.7)}) == "");
}

TEST_CASE("implicit: an entry's bits do not depend on the others, and the search leaves the tape as it was") {
  const Matrix<float> y = normals<float>(block, 2, 1, 3.0);
  Matrix<float> far = y;
  far.bottomRows(block / 2).setConstant(1e6f);
  const auto solve = [](const Matrix<float>& from) {
    Tape<float> tape(Mode::differentiate);
    const Var<float> in = input(tape, from, true), a = input(tape, Matrix<float>(Matrix<float>::Constant(1, 1, 3.0f)));
    const Mapped<float> m = autodiff::invert_increasing(tape, in, [&](Var<float> x) { return bent(tape, x, a, 5.0f); });
    CHECK(tape.differentiates());
    CHECK(Matrix<float>(in.val()) == from);
    return Matrix<float>(m.value.val());
  };
  CHECK(same_bits<float>(solve(y).topRows(block / 2), solve(far).topRows(block / 2)));
}

// Rows that are sheared: y = (x_0 + a·sin x_1 + x_1 / 2, x_1 + x_0 / 2). log_det = log((2 − a·cos x_1 − 1/2) / 2).
TEST_CASE("implicit: rows: gradients by y and by what the map looks at are those of differences") {
  const auto sheared = [](Tape<double>& tape, Var<double> x, Var<double> a) {
    const Var<double> y = tape.make(x.rows, 2, x.wants_grad() || a.wants_grad()), log_det = tape.make(x.rows, 1, y.wants_grad());
    for (Index i = 0; i < x.rows; ++i) {
      const double u = x.value[i], v = x.value[x.rows + i];
      y.value[i] = u + a.value[0] * std::sin(v) + v / 2;
      y.value[x.rows + i] = v + u / 2;
      log_det.value[i] = std::log(0.75 - a.value[0] * std::cos(v) / 2);
    }
    if (y.wants_grad()) {
      tape.on_backward([=] {
        for (Index i = 0; i < x.rows; ++i) {
          const double v = x.value[x.rows + i], g = y.adjoint[i], h = y.adjoint[x.rows + i];
          const double gl = log_det.adjoint[i] / (0.75 - a.value[0] * std::cos(v) / 2);
          if (x.wants_grad()) {
            x.adjoint[i] += g + h / 2;
            x.adjoint[x.rows + i] += h + g * (a.value[0] * std::cos(v) + 0.5) + gl * a.value[0] * std::sin(v) / 2;
          }
          if (a.wants_grad()) a.adjoint[0] += g * std::sin(v) - gl * std::cos(v) / 2;
        }
      });
    }
    return Mapped<double>{y, log_det};
  };
  const auto run = [&](Tape<double>& tape, std::span<const Var<double>> in) {
    const Index n = in[0].rows;
    const double a = in[1].value[0];
    const auto search = [&](double* x) {
      for (Index i = 0; i < n; ++i) {
        double u = 0, v = 0;
        for (int round = 0; round < 200; ++round) {
          v = in[0].value[n + i] - u / 2;
          u = in[0].value[i] - a * std::sin(v) - v / 2;
        }
        x[i] = u;
        x[n + i] = v;
      }
    };
    Var<double> at;
    const auto f = [&](Var<double> x) { return at = x, sheared(tape, x, in[1]); };
    const auto adjoint = [&] {
      return [at, a, n](double* g) {  // [[1, 1/2], [c, 1]]·λ = g with c = a·cos x_1 + 1/2
        for (Index i = 0; i < n; ++i) {
          const double c = a * std::cos(at.value[n + i]) + 0.5, u = g[i], v = g[n + i], det = 1 - c / 2;
          g[i] = (u - v / 2) / det;
          g[n + i] = (v - c * u) / det;
        }
      };
    };
    const Mapped<double> m = autodiff::invert_rows(tape, in[0], f, search, adjoint);
    return std::vector<Var<double>>{m.value, m.log_det};
  };
  CHECK(autodiff::check_vjp(run, {normals<double>(12, 2, 5), Matrix<double>::Constant(1, 1, 0.6)}) == "");
}
