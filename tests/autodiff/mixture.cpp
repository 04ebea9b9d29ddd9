// Mixtures against their formulas in plain double, in tails that underflow, and their gradients against differences.
#include "autodiff/ops/mixture.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/ops/constraints.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::MixtureKind;
using autodiff::Tangent;

namespace {

constexpr MixtureKind kinds[] = {MixtureKind::logistic, MixtureKind::normal};

// G⁻¹(Σ w G(z)) and its slope: the logit as it stands, the normal quantile by bisection.
std::pair<double, double> plain(MixtureKind kind, const std::vector<double>& w, const std::vector<double>& z,
                                const std::vector<double>& dz) {
  const auto cdf = [&](double v) {
    return kind == MixtureKind::logistic ? 1 / (1 + std::exp(-v)) : 0.5 * std::erfc(-v / std::sqrt(2));
  };
  const auto density = [&](double v) {
    return kind == MixtureKind::logistic ? cdf(v) * cdf(-v) : std::exp(-v * v / 2) / std::sqrt(2 * std::acos(-1.0));
  };
  double sum = 0, slope = 0;
  for (std::size_t k = 0; k < w.size(); ++k) {
    sum += w[k] * cdf(z[k]);
    slope += w[k] * density(z[k]) * dz[k];
  }
  double low = -40, high = 40;
  for (int i = 0; i < 200; ++i) (cdf((low + high) / 2) < sum ? low : high) = (low + high) / 2;
  return {low, slope / density(low)};
}

std::vector<Var<double>> quantile(Tape<double>& tape, MixtureKind kind, std::span<const Var<double>> in, Index features,
                                  Index units) {
  const Var<double> w = autodiff::simplex(tape, in[2], {in[2].cols / features, 0, in[2].cols / features}, units, 1e-3, 1.0);
  const Tangent<double> y = autodiff::mixture_quantile(tape, kind, {in[0], in[1]}, w, features);
  return {y.value, y.slope};
}

}  // namespace

TEST_CASE("mixture: value and slope are those of the formulas") {
  for (const MixtureKind kind : kinds) {
    const Index units = 3, outputs = 2;
    const Matrix<double> z = normals<double>(48, units, 1, 1.5), dz = normals<double>(48, units, 2).array().abs(),
                         raw = normals<double>(48, outputs * units, 3);
    Tape<double> tape;
    const Var<double> w = autodiff::simplex(tape, input(tape, raw), {outputs * units, 0, outputs * units}, units, 1e-3, 1.0);
    const Tangent<double> y = autodiff::mixture_quantile(tape, kind, {input(tape, z), input(tape, dz)}, w, 1);
    for (Index i = 0; i < 48; ++i) {
      for (Index m = 0; m < outputs; ++m) {
        std::vector<double> weights, at, d;
        for (Index k = 0; k < units; ++k) {
          weights.push_back(w.val()(i, m * units + k));
          at.push_back(z(i, k));
          d.push_back(dz(i, k));
        }
        const auto [value, slope] = plain(kind, weights, at, d);
        CHECK(y.value.val()(i, m) == doctest::Approx(value).epsilon(1e-9));
        CHECK(y.slope.val()(i, m) == doctest::Approx(slope).epsilon(1e-9));
      }
    }
  }
}

TEST_CASE("mixture: far out, one unit is the identity and many are led by the largest tail") {
  for (const MixtureKind kind : kinds) {
    for (const float sign : {-1.0f, 1.0f}) {
      for (const float far : {20.0f, 300.0f, 5000.0f}) {
        CAPTURE(sign * far);
        Tape<float> tape;
        Matrix<float> z(48, 2), w(48, 2);
        z.col(0).setConstant(sign * far);
        z.col(1).setConstant(sign * far * 2);
        w.setConstant(0.5f);
        const auto run = [&](const Matrix<float>& at) {
          const Tangent<float> y = autodiff::mixture_quantile(
              tape, kind, {input(tape, at), input(tape, Matrix<float>(Matrix<float>::Ones(48, 2)))}, input(tape, w), 1);
          return std::pair(y.value.val()(0), y.slope.val()(0));
        };
        const auto [same, one] = run(z.col(0).replicate(1, 2));
        CHECK(same == doctest::Approx(sign * far).epsilon(1e-5));
        CHECK(one == doctest::Approx(1).epsilon(1e-4));
        // Half of the nearer tail: log ½ lower in the tail's logarithm.
        const auto [led, slope] = run(z);
        const double nearer = kind == MixtureKind::logistic ? far + std::log(2.0) : std::sqrt(far * far + 2 * std::log(2.0));
        CHECK(led == doctest::Approx(sign * nearer).epsilon(1e-4));
        CHECK(slope == doctest::Approx(1).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("mixture: gradients are those of differences, every entry") {
  const Index features = 2, units = 3, outputs = 2;
  for (const MixtureKind kind : kinds) {
    for (const double shift : {-6.0, 0.0, 6.0}) {
      const auto function = [&](Tape<double>& t, std::span<const Var<double>> in) {
        return quantile(t, kind, in, features, units);
      };
      const Matrix<double> z = normals<double>(6, features * units, 1).array() + shift;
      CHECK(autodiff::check_vjp(
                function, {z, normals<double>(6, features * units, 2), normals<double>(6, features * outputs * units, 3)}) == "");
    }
  }
  const auto layer = [](Tape<double>& t, std::span<const Var<double>> in) {
    const Tangent<double> z = autodiff::mixture_blend(t, {in[0], in[1]}, in[2], in[3], in[4], 2);
    const Tangent<double> u = autodiff::mixture_units(t, in[0].columns(0, 2), in[3], in[4]);
    return std::vector<Var<double>>{z.value, z.slope, u.value};
  };
  CHECK(autodiff::check_vjp(layer, {normals<double>(6, 6, 1), normals<double>(6, 6, 2), normals<double>(6, 12, 3),
                                    normals<double>(6, 4, 4), normals<double>(6, 4, 5)}) == "");
}
