// Polynomial splines and the circle: gradients against differences, the ends, and what the constraints promise. Values of the kinds: tests/golden.
#include "autodiff/ops/polynomial_spline.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::SplineKind;
using autodiff::SplineShape;

namespace {

SplineShape on_the_circle(SplineKind kind, int bins) {
  SplineShape shape{kind, bins, 3.0};
  shape.periodic = true;
  return shape;
}

const SplineShape polynomials[] = {{SplineKind::linear, 6, 4.0},
                                   {SplineKind::quadratic, 5, 3.0},
                                   {SplineKind::quadratic, 2, 1.5, 0.1, 0.05, 0.3},
                                   {SplineKind::cubic, 5, 3.0},
                                   {SplineKind::cubic, 2, 1.5, 0.1, 0.05, 0.01}};
const SplineShape circles[] = {on_the_circle(SplineKind::rational_quadratic, 4), on_the_circle(SplineKind::rational_linear, 3)};

std::vector<SplineShape> all() {
  std::vector<SplineShape> shapes(std::begin(polynomials), std::end(polynomials));
  shapes.insert(shapes.end(), std::begin(circles), std::end(circles));
  return shapes;
}

Mapped<double> run(Tape<double>& tape, const SplineShape& shape, const Matrix<double>& x, const Matrix<double>& raw,
                   bool inverse) {
  return autodiff::spline_map(tape, shape, input(tape, x), input(tape, raw), inverse);
}

}  // namespace

TEST_CASE("polynomial_spline: gradients are those of differences, every entry, inside and outside the box") {
  for (const SplineShape& shape : all()) {
    for (const bool inverse : {false, true}) {
      for (const Index raw_rows : {9, 1}) {
        const auto function = [&](Tape<double>& t, std::span<const Var<double>> in) {
          const Mapped<double> m = autodiff::spline_map(t, shape, in[0], in[1], inverse);
          return std::vector<Var<double>>{m.value, m.log_det};
        };
        CHECK(autodiff::check_vjp(function, {normals<double>(9, 2, 3, 0.8 * shape.bound),
                                             normals<double>(raw_rows, 2 * shape.parameters(), 4)}) == "");
      }
    }
  }
}

TEST_CASE("polynomial_spline: there and back, and log_det is the log of the slope") {
  for (const SplineShape& shape : all()) {
    for (const Index raw_rows : {96, 1}) {
      const Matrix<double> x = normals<double>(96, 2, 1, 0.7 * shape.bound),
                           raw = normals<double>(raw_rows, 2 * shape.parameters(), 2, 1.5);
      constexpr double step = 1e-6;
      Tape<double> tape;
      const Mapped<double> there = run(tape, shape, x, raw, false), back = run(tape, shape, there.value.val(), raw, true);
      const Matrix<double> low = run(tape, shape, x.array() - step, raw, false).value.val(),
                           high = run(tape, shape, x.array() + step, raw, false).value.val();
      CHECK((back.value.val() - x).cwiseAbs().maxCoeff() < 1e-9);
      CHECK((back.log_det.val() + there.log_det.val()).cwiseAbs().maxCoeff() < 1e-8);
      CHECK((((high - low) / (2 * step)).array().log() - there.log_det.val().array()).abs().maxCoeff() < 1e-5);
    }
  }
}

TEST_CASE("polynomial_spline: the lines outside have the slopes of the ends, which are no less than what was asked") {
  for (const SplineShape& shape : polynomials) {
    const Matrix<double> raw = normals<double>(1, shape.parameters(), 5, 2.0);
    const double b = shape.bound;
    Matrix<double> x(6, 1);
    x << -1e6, -b - 1, -b, b, b + 1, 1e6;
    Tape<double> tape;
    const Mapped<double> m = run(tape, shape, x, raw, false);
    for (const Index end : {2, 3}) {
      CHECK(std::abs(m.value.value[end] - x(end)) < 1e-12);
      const double slope = std::exp(m.log_det.value[end]);
      for (Index i = end == 2 ? 0 : 4; i < (end == 2 ? 2 : 6); ++i) {
        CHECK(std::abs(m.value.value[i] - (x(end) + slope * (x(i) - x(end)))) <= 1e-12 * (1 + std::abs(m.value.value[i])));
        CHECK(std::abs(m.log_det.value[i] - m.log_det.value[end]) < 1e-12);
      }
      if (shape.kind == SplineKind::quadratic) CHECK(slope >= shape.min_slope);
    }
  }
}

TEST_CASE("polynomial_spline: on the circle a turn comes out as a turn, and the seam has one slope, not 1") {
  for (const SplineShape& shape : circles) {
    const Matrix<double> x = normals<double>(96, 1, 1, shape.bound), raw = normals<double>(1, shape.parameters(), 7);
    const double turn = 2 * shape.bound, eps = 1e-9;
    for (const bool inverse : {false, true}) {
      Tape<double> tape;
      const Mapped<double> here = run(tape, shape, x, raw, inverse), next = run(tape, shape, x.array() + turn, raw, inverse);
      CHECK((next.value.val().array() - here.value.val().array() - turn).abs().maxCoeff() < 1e-9);
      CHECK((next.log_det.val() - here.log_det.val()).cwiseAbs().maxCoeff() < 1e-7);
      Matrix<double> seam(2, 1);
      seam << shape.bound - eps, -shape.bound + eps;
      const Mapped<double> at = run(tape, shape, seam, raw, inverse);
      CHECK(std::abs(at.log_det.value[0] - at.log_det.value[1]) < 1e-6);
      CHECK(std::abs(at.log_det.value[0]) > 0.01);
    }
  }
}
