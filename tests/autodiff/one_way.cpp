// The maps of one direction: Bernstein polynomials, sums of squares, positive networks, their quadrature and tails, against formulas and differences.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/ops/bernstein.h"
#include "autodiff/ops/constraints.h"
#include "autodiff/ops/heavy_tails.h"
#include "autodiff/ops/positive_network.h"
#include "autodiff/ops/sum_of_squares.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::Quadrature;
using autodiff::Tangent;

TEST_CASE("quadrature: n nodes are exact to degree 2n − 1, in rising order") {
  for (const int n : {1, 2, 5, 20, 64}) {
    const Quadrature q(n);
    for (int degree = 0; degree < 2 * n; ++degree) {
      double sum = 0;
      for (std::size_t m = 0; m < q.nodes.size(); ++m) sum += q.weights[m] * std::pow(q.nodes[m], degree);
      CHECK(sum == doctest::Approx(1.0 / (degree + 1)).epsilon(1e-12));
    }
    CHECK(std::is_sorted(q.nodes.begin(), q.nodes.end()));
  }
}

TEST_CASE("bernstein: de Casteljau's value, slope 1 and no jump at the ends, the identity outside and for equal steps") {
  const int degree = 9;
  const double bound = 2, mean = 2 * bound / degree;
  Tape<double> tape;
  Matrix<double> x = normals<double>(48, 1, 1);
  x.topRows(6) << -1e6, -2, -2 + 1e-9, 2 - 1e-9, 2, 1e6;
  const Var<double> steps = autodiff::simplex(tape, input(tape, normals<double>(48, 7, 2)), {7, 0, 7}, 7, 0.01 * mean, 7 * mean);
  const Mapped<double> m = autodiff::bernstein_map(tape, degree, bound, input(tape, x), steps);
  for (Index i = 0; i < 48; ++i) {
    if (std::abs(x(i)) >= bound) {
      CHECK(m.value.val()(i) == x(i));
      CHECK(m.log_det.val()(i) == 0);
      continue;
    }
    std::vector<double> theta{-bound, -bound + mean};
    for (Index k = 0; k < 7; ++k) theta.push_back(theta.back() + steps.val()(i, k));
    theta.push_back(bound);
    const double t = (x(i) + bound) / (2 * bound);
    double slope = 0;
    for (std::size_t left = theta.size() - 1; left > 0; --left) {
      slope = degree * (theta[1] - theta[0]) / (2 * bound);
      for (std::size_t k = 0; k < left; ++k) theta[k] = (1 - t) * theta[k] + t * theta[k + 1];
    }
    CHECK(m.value.val()(i) == doctest::Approx(theta[0]).epsilon(1e-12));
    CHECK(m.log_det.val()(i) == doctest::Approx(std::log(slope)).epsilon(1e-9));
    if (std::abs(std::abs(x(i)) - bound) < 1e-8) CHECK(std::abs(m.log_det.val()(i)) < 1e-6);
  }
  const Var<double> equal = input(tape, Matrix<double>(Matrix<double>::Constant(48, 7, mean)));
  CHECK((autodiff::bernstein_map(tape, degree, bound, input(tape, x), equal).value.val() - x).isZero(1e-12));
}

TEST_CASE("one way: gradients are those of differences, every entry") {
  const Quadrature q(3), fine(24);
  const Matrix<double> x = normals<double>(5, 2, 1, 0.7), outside = normals<double>(5, 2, 2, 4.0);
  const auto bernstein = [](Tape<double>& t, std::span<const Var<double>> in) {
    const Mapped<double> m = autodiff::bernstein_map(t, 6, 2.0, in[0], autodiff::positive(t, in[1], {4, 0, 4}, 3.0));
    return std::vector<Var<double>>{m.value, m.log_det};
  };
  const auto squares = [&](Tape<double>& t, std::span<const Var<double>> in) {
    const Tangent<double> y = autodiff::sum_of_squares(t, q, 2.0, 0.1, in[0], in[1], in[2]);
    return std::vector<Var<double>>{y.value, y.slope};
  };
  const auto network = [&](Tape<double>& t, std::span<const Var<double>> in) {
    const Tangent<double> y = autodiff::positive_network_integral(t, fine, 2.0, in[0], in[1], {in[2], in[3], in[4], in[5]});
    return std::vector<Var<double>>{y.value, y.slope};
  };
  const auto tails = [](Tape<double>& t, std::span<const Var<double>> in) {
    const Var<double> at = autodiff::clamp(t, in[0], 1.5);
    const Mapped<double> m = autodiff::linear_tails(
        t, in[0], {autodiff::part(t, at, {1, 0, 1}), autodiff::positive(t, in[1], {1, 0, 1}, 2.0)}, 1.5, 0.1);
    return std::vector<Var<double>>{m.value, m.log_det};
  };
  CHECK(autodiff::check_vjp(bernstein, {outside, normals<double>(5, 8, 3)}) == "");
  CHECK(autodiff::check_vjp(squares, {x, normals<double>(5, 2, 3), normals<double>(5, 12, 4)}) == "");
  CHECK(autodiff::check_vjp(network, {x, normals<double>(5, 2, 3), normals<double>(5, 4, 4), normals<double>(5, 4, 5),
                                      normals<double>(5, 4, 6), normals<double>(5, 2, 7)}) == "");
  CHECK(autodiff::check_vjp(tails, {outside, normals<double>(5, 2, 3)}) == "");
}

TEST_CASE("heavy_tails: formulas, and gradients by every entry inside and outside the box, both ways") {
  Tape<double> tape;
  const Matrix<double> x = normals<double>(48, 1, 1, 2.0);
  const auto all = [&](double v) { return input(tape, Matrix<double>(Matrix<double>::Constant(48, 1, v))); };
  const Matrix<double> skewed = autodiff::sinh_arcsinh_map(tape, input(tape, x), all(0.4), all(1.3), 50.0, false).value.val(),
                       raised = autodiff::signed_power_map(tape, input(tape, x), all(0.5), all(2.0), 50.0, false).value.val();
  for (Index i = 0; i < 48; ++i) {
    const double v = x(i), p = v < 0 ? 0.5 : 2.0;
    CHECK(skewed(i) == doctest::Approx(std::sinh(1.3 * std::asinh(v) + 0.4)));
    CHECK(raised(i) == doctest::Approx(std::copysign((std::pow(1 + std::abs(v), p) - 1) / p, v)));
  }
  for (const bool inverse : {false, true}) {
    const auto function = [inverse](Tape<double>& t, std::span<const Var<double>> in) {
      const Var<double> p = autodiff::positive(t, in[1], {1, 0, 1}, 1.4), r = autodiff::positive(t, in[2], {1, 0, 1}, 1.4);
      const Mapped<double> a = autodiff::sinh_arcsinh_map(t, in[0], in[1], r, 2.0, inverse),
                           b = autodiff::signed_power_map(t, in[0], p, r, 2.0, inverse);
      return std::vector<Var<double>>{a.value, a.log_det, b.value, b.log_det};
    };
    CHECK(autodiff::check_vjp(function,
                              {normals<double>(8, 2, 2, 3.0), normals<double>(8, 2, 3, 0.5), normals<double>(8, 2, 4)}) == "");
  }
}
