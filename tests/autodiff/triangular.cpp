// The LU map: against the dense matrix L·U, both directions, products against differences.
#include "autodiff/ops/triangular.h"

#include <doctest/doctest.h>

#include <Eigen/LU>
#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

Matrix<double> product(const Matrix<double>& lower, const Matrix<double>& upper, const Matrix<double>& diagonal) {
  const Index n = diagonal.size();
  Matrix<double> l = Matrix<double>::Identity(n, n), u = Matrix<double>::Zero(n, n);
  Index a = 0, b = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < i; ++j) l(i, j) = lower(a++);
    u(i, i) = std::log1p(std::exp(diagonal(i) + std::log(std::expm1(1 - 1e-3)))) + 1e-3;
    for (Index j = i + 1; j < n; ++j) u(i, j) = upper(b++);
  }
  return l * u;
}

}  // namespace

TEST_CASE("triangular: apply is W·x + bias, solve undoes it, log_det is log|det W|") {
  for (const Index n : {1, 2, 5}) {
    const Matrix<double> lower = normals<double>(1, n * (n - 1) / 2, 1), upper = normals<double>(1, n * (n - 1) / 2, 2),
                         diagonal = normals<double>(1, n, 3), bias = normals<double>(1, n, 4), x = normals<double>(48, n, 5);
    const Matrix<double> w = product(lower, upper, diagonal);
    Tape<double> tape;
    const autodiff::LuFactors<double> factors{input(tape, lower), input(tape, upper), input(tape, diagonal), input(tape, bias)};
    const Mapped<double> y = autodiff::lu_apply(tape, factors, input(tape, x)), back = autodiff::lu_solve(tape, factors, y.value);
    CHECK((y.value.val() - ((x * w.transpose()).rowwise() + bias.row(0))).isZero(1e-12));
    CHECK((y.log_det.val().array() - std::log(std::abs(w.determinant()))).isZero(1e-12));
    CHECK((back.value.val() - x).isZero(1e-10));
    CHECK((back.log_det.val() + y.log_det.val()).isZero(1e-14));
  }
}

TEST_CASE("triangular: gradients are those of differences") {
  for (const bool solve : {false, true}) {
    const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
      const autodiff::LuFactors<double> factors{in[1], in[2], in[3], in[4]};
      const Mapped<double> m = solve ? autodiff::lu_solve(t, factors, in[0]) : autodiff::lu_apply(t, factors, in[0]);
      return std::vector<Var<double>>{m.value, m.log_det};
    };
    CHECK(autodiff::check_vjp(run, {normals<double>(6, 3, 1), normals<double>(1, 3, 2), normals<double>(1, 3, 3),
                                    normals<double>(1, 3, 4), normals<double>(1, 3, 5)}) == "");
  }
}

TEST_CASE("triangular: one factor, lower and upper, with and without its parts, against the dense matrix") {
  constexpr Index n = 4;
  for (const bool upper : {false, true}) {
    for (const int parts : {0, 1, 2}) {  // all; without a diagonal (ones); the diagonal alone
      for (const Index own : {1, 48}) {
        const Matrix<double> strict = normals<double>(own, n * (n - 1) / 2, 1, 0.5), diagonal = normals<double>(own, n, 2),
                             bias = normals<double>(own, n, 3), x = normals<double>(48, n, 4);
        Tape<double> tape;
        autodiff::Triangular<double> m{upper, input(tape, strict), input(tape, diagonal), input(tape, bias)};
        if (parts == 1) m.diagonal = {};
        if (parts == 2) m.strict = m.bias = {};
        const Mapped<double> y = autodiff::triangular_apply(tape, m, input(tape, x)),
                             back = autodiff::triangular_solve(tape, m, y.value);
        for (Index i = 0; i < 48; ++i) {
          const Index r = own == 1 ? 0 : i;
          Matrix<double> dense = Matrix<double>::Identity(n, n);
          Index at = 0;
          for (Index a = 0; a < n; ++a) {
            for (Index b = upper ? a + 1 : 0; b < (upper ? n : a); ++b) dense(a, b) = parts == 2 ? 0 : strict(r, at++);
            if (parts != 1) dense(a, a) = std::log1p(std::exp(diagonal(r, a) + std::log(std::expm1(1 - 1e-3)))) + 1e-3;
          }
          Eigen::RowVectorXd expected = x.row(i) * dense.transpose();
          if (parts != 2) expected += bias.row(r);
          CHECK((y.value.val().row(i) - expected).isZero(1e-12));
          CHECK(y.log_det.val()(i) == doctest::Approx(std::log(dense.determinant())).epsilon(1e-12));
        }
        CHECK((back.value.val() - x).isZero(1e-10));
        CHECK((back.log_det.val() + y.log_det.val()).isZero(1e-13));
      }
    }
  }
}

TEST_CASE("triangular: gradients of one factor are those of differences") {
  for (const bool upper : {false, true}) {
    for (const bool solve : {false, true}) {
      const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
        const autodiff::Triangular<double> m{upper, in[1], in[2], in[3]};
        const Mapped<double> y = solve ? autodiff::triangular_solve(t, m, in[0]) : autodiff::triangular_apply(t, m, in[0]);
        return std::vector<Var<double>>{y.value, y.log_det};
      };
      for (const Index own : {1, 6})
        CHECK(autodiff::check_vjp(run, {normals<double>(6, 4, 1), normals<double>(own, 6, 2), normals<double>(own, 4, 3),
                                        normals<double>(own, 4, 4)}) == "");
    }
  }
}
