// Densities: values against textbook formulas, special functions against the standard library's.
#include "autodiff/ops/densities.h"

#include <doctest/doctest.h>

#include "autodiff/ops/gaussian.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

TEST_CASE("densities: log Γ(x + ½) − log Γ(x), its slope, and where its parts would cancel") {
  for (const double x : {0.25, 0.5, 1.0, 2.5, 7.0, 15.9, 16.0, 40.0, 1000.0}) {
    CAPTURE(x);
    const double step = 1e-5 * x, direct = std::lgamma(x + 0.5) - std::lgamma(x);
    CHECK(std::abs(autodiff::log_gamma_half_step(x).value - direct) <= 1e-13 * (1 + std::lgamma(x + 0.5)));
    const double slope =
        (autodiff::log_gamma_half_step(x + step).value - autodiff::log_gamma_half_step(x - step).value) / (2 * step);
    CHECK(autodiff::log_gamma_half_step(x).slope == doctest::Approx(slope).epsilon(1e-7));
  }
  CHECK(autodiff::log_gamma_half_step(5e5).value == doctest::Approx(0.5 * std::log(5e5 - 0.25)).epsilon(1e-13));
}

TEST_CASE("densities: log I₀ and its slope") {
  for (const double x : {0.0, 1e-3, 0.5, 3.0, 12.0, 29.9, 30.1, 200.0}) {
    CAPTURE(x);
    const auto [value, slope] = autodiff::log_bessel_i0(x);
    CHECK(value == doctest::Approx(std::log(std::cyl_bessel_i(0, x)) - x).epsilon(1e-12));
    CHECK(slope + 1 == doctest::Approx(std::cyl_bessel_i(1, x) / std::cyl_bessel_i(0, x)).epsilon(1e-12));
  }
  CHECK(autodiff::log_bessel_i0(1e6).value == doctest::Approx(-0.5 * std::log(2 * std::numbers::pi * 1e6)).epsilon(1e-7));
  CHECK(autodiff::log_bessel_i0(1e6).slope == doctest::Approx(-5e-7).epsilon(1e-5));
}

TEST_CASE("densities: values") {
  Tape<double> t;
  const Matrix<double> x = normals<double>(6, 3, 1, 2);
  const Var<double> z = input(t, x);
  const auto row = [&](double v) { return input<double>(t, Matrix<double>::Constant(1, 3, v)); };
  const auto expect = [&](Var<double> y, auto density) {
    for (Index i = 0; i < 6; ++i) {
      double sum = 0;
      for (Index j = 0; j < 3; ++j) sum += std::log(density(x(i, j)));
      CHECK(y.value[i] == doctest::Approx(sum).epsilon(1e-12));
    }
  };
  expect(autodiff::standard_log_prob(t, autodiff::Standard::laplace, z), [](double v) { return std::exp(-std::abs(v)) / 2; });
  expect(autodiff::standard_log_prob(t, autodiff::Standard::logistic, z),
         [](double v) { return std::exp(-v) / std::pow(1 + std::exp(-v), 2); });
  expect(autodiff::standard_log_prob(t, autodiff::Standard::gumbel, z), [](double v) { return std::exp(-v - std::exp(-v)); });
  expect(autodiff::student_t_log_prob(t, z, row(0)), [](double v) { return 1 / (std::numbers::pi * (1 + v * v)); });
  expect(autodiff::student_t_log_prob(t, z, row(std::log(4))), [](double v) { return 0.375 * std::pow(1 + v * v / 4, -2.5); });
  const Matrix<double> angles = x.array().max(-3).min(3);
  const Var<double> y = autodiff::von_mises_log_prob(t, input(t, angles), row(0.5), row(std::log(2)));
  for (Index i = 0; i < 6; ++i) {
    double sum = 0;
    for (Index j = 0; j < 3; ++j)
      sum += 2 * std::cos(angles(i, j) - 0.5) - std::log(2 * std::numbers::pi * std::cyl_bessel_i(0, 2));
    CHECK(y.value[i] == doctest::Approx(sum).epsilon(1e-12));
  }
}

TEST_CASE("densities: df beyond its bounds is at them, without a gradient") {
  for (const double log_df : {-3.0, 20.0}) {
    Tape<double> t(Mode::differentiate);
    const Var<double> z = input<double>(t, normals<double>(6, 1, 1), true),
                      beyond = input<double>(t, Matrix<double>::Constant(1, 1, log_df), true);
    const Var<double> y = autodiff::student_t_log_prob(t, z, beyond);
    const double at = std::log(log_df < 0 ? autodiff::student_t_least_df : autodiff::student_t_most_df);
    const Var<double> bound = autodiff::student_t_log_prob(t, z, input<double>(t, Matrix<double>::Constant(1, 1, at)));
    CHECK((y.val() - bound.val()).isZero(1e-9));
    y.adj().setOnes();
    t.backward();
    CHECK(beyond.adjoint[0] == 0);
  }
}

TEST_CASE("densities: a multivariate normal and a mixture of two, against matrices") {
  Tape<double> t;
  const Matrix<double> x = normals<double>(6, 3, 1), lower = normals<double>(1, 3, 2), logs = normals<double>(1, 3, 3, 0.3),
                       loc = normals<double>(1, 3, 4);
  const Var<double> terms = t.make(6, 2, true);
  autodiff::normal_log_prob<double>(t, {input(t, loc), input(t, lower), input(t, logs)}, input(t, x), terms.columns(0, 1));
  autodiff::normal_log_prob<double>(t, {input(t, loc), {}, input(t, logs)}, input(t, x), terms.columns(1, 1));
  Eigen::Matrix3d l = logs.row(0).array().exp().matrix().asDiagonal();
  const Eigen::Matrix3d diagonal = l;
  l(1, 0) = lower(0);
  l(2, 0) = lower(1);
  l(2, 1) = lower(2);
  const auto density = [&](const Eigen::Matrix3d& factor, Index i) {
    const Eigen::Vector3d z = factor.triangularView<Eigen::Lower>().solve((x.row(i) - loc).transpose());
    return std::exp(-0.5 * z.squaredNorm()) / std::pow(2 * std::numbers::pi, 1.5) / factor.determinant();
  };
  Matrix<double> logits(1, 2);
  logits << 0.3, -1;
  const Var<double> y = autodiff::log_mixture(t, terms, input(t, logits));
  const double first = std::exp(0.3) / (std::exp(0.3) + std::exp(-1.0));
  for (Index i = 0; i < 6; ++i) {
    CHECK(terms.value[i] == doctest::Approx(std::log(density(l, i))).epsilon(1e-12));
    CHECK(terms.value[6 + i] == doctest::Approx(std::log(density(diagonal, i))).epsilon(1e-12));
    CHECK(y.value[i] == doctest::Approx(std::log(first * density(l, i) + (1 - first) * density(diagonal, i))).epsilon(1e-12));
  }
}

TEST_CASE("densities: a mixture of nothing but −inf is −inf, without a gradient") {
  Tape<float> t(Mode::differentiate);
  Matrix<float> m = Matrix<float>::Constant(4, 3, -1e30f);
  m.row(1).setConstant(-std::numeric_limits<float>::infinity());
  m(2, 0) = -std::numeric_limits<float>::infinity();
  const Var<float> terms = input(t, m, true), logits = input<float>(t, Matrix<float>::Zero(1, 3), true);
  const Var<float> y = autodiff::log_mixture(t, terms, logits);
  CHECK(y.value[0] == doctest::Approx(-1e30f));
  CHECK(y.value[1] == -std::numeric_limits<float>::infinity());
  CHECK(y.value[2] == doctest::Approx(-1e30f));
  y.adj().setOnes();
  t.backward();
  CHECK(terms.adj().allFinite());
  CHECK(terms.adj().row(1).isZero(0));
  CHECK(terms.adj().row(0).sum() == doctest::Approx(1));
  CHECK(logits.adj().allFinite());
}
