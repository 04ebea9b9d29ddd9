// Fixed maps entry by entry: gradients of a formula both ways, open ends, and numbers that a type cannot hold.
#include "autodiff/ops/entrywise.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// y = 1/x of positive numbers: decreasing, and bent.
struct Reciprocal {
  bool increases() const { return false; }
  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    y = x.inverse();
    log_slope = -2 * x.log();
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    forward(y, x, log_slope);
  }
  template <class A>
  void bend(const A& x, A b) const {
    b = -2 * x.inverse();
  }
};

// y = eˣ.
struct Exponential {
  bool increases() const { return true; }
  template <class A>
  void forward(const A& x, A y, A log_slope) const {
    y = x.exp();
    log_slope = x;
  }
  template <class A>
  void inverse(const A& y, A x, A log_slope) const {
    x = y.log();
    log_slope = -x;
  }
  template <class A>
  void bend(const A&, A b) const {
    b.setOnes();
  }
};

template <class T, class F>
Output<T> run(F formula, const Matrix<T>& numbers, bool inverse, std::pair<double, double> from, std::pair<double, double> to) {
  Tape<T> t(Mode::differentiate);
  const Var<T> x = input(t, numbers, true);
  const Mapped<T> m = autodiff::entrywise(t, x, formula, inverse, {from.first, from.second}, {to.first, to.second});
  m.value.adj().setConstant(3);
  m.log_det.adj().setConstant(2);
  t.backward();
  return {m.value.val(), m.log_det.val(), x.adj(), {}, {}};
}

}  // namespace

TEST_CASE("entrywise: gradients are those of differences, of a falling map too") {
  const Matrix<double> x = normals<double>(6, 3, 1), positive = x.array().exp();
  const autodiff::Within<double> line(-infinity, infinity), half(0, infinity);
  for (const bool inverse : {false, true}) {
    const auto both = [=](Tape<double>& t, std::span<const Var<double>> in) {
      const Mapped<double> a = autodiff::entrywise(t, in[0], Reciprocal{}, inverse, half, half);
      const Mapped<double> b =
          autodiff::entrywise(t, in[1], Exponential{}, inverse, inverse ? half : line, inverse ? line : half);
      return std::vector<Var<double>>{a.value, a.log_det, b.value, b.log_det};
    };
    CHECK(autodiff::check_vjp(both, {positive, inverse ? positive : x}) == "");
  }
}

TEST_CASE("entrywise: outside, the value is finite, log_det −inf, the gradient zero") {
  Matrix<float> bad(6, 1);
  bad << 0, -1, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity(), std::nanf(""), 2;
  const Output<float> out = run<float>(Exponential{}, bad, true, {0, infinity}, {-infinity, infinity});
  for (Index i = 0; i < 5; ++i) {
    CAPTURE(i);
    CHECK(out.log_det(i) == -std::numeric_limits<float>::infinity());
    CHECK(out.x_gradient(i) == 0);
  }
  CHECK(out.value.topRows(4).allFinite());
  CHECK(out.log_det(5) == -out.value(5));
  CHECK(out.value(5) == doctest::Approx(std::log(2.0)));
  CHECK(out.x_gradient(5) == doctest::Approx((3 - 2) / 2.0));
}

TEST_CASE("entrywise: what a type cannot hold becomes the nearest number inside, and its log_det stays") {
  Matrix<float> far(4, 1);
  far << 1e6f, -1e6f, 60, -60;
  const Output<float> out = run<float>(Exponential{}, far, false, {-infinity, infinity}, {0, infinity});
  CHECK(out.value(0) == std::numeric_limits<float>::max());
  CHECK(out.value(1) > 0);
  CHECK(out.log_det == far);
  CHECK(out.x_gradient.allFinite());
  CHECK(out.x_gradient(0) == 2);
  // The ends of an interval that float rounds outwards are not inside.
  const autodiff::Within<float> within(-0.1, 0.1);
  CHECK(static_cast<double>(within.low) > -0.1);
  CHECK(static_cast<double>(within.high) < 0.1);
}
