// The exponential against known ones, small and large, and its gradients against differences.
#include "autodiff/ops/exponential.h"

#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::Generator;

namespace {

// Row by row, as the op takes it.
template <class T>
Matrix<T> flat(const Matrix<T>& a) {
  const Matrix<T> rows = a.transpose();
  return Eigen::Map<const Matrix<T>>(rows.data(), 1, rows.size());
}

// exp(A) from the map of the unit vectors.
template <class T>
Matrix<T> exponential(const Matrix<T>& entries, Index n, Generator generator, bool inverse = false) {
  Tape<T> tape;
  Matrix<T> units = Matrix<T>::Zero(48, n);
  units.topRows(n).setIdentity();
  const Mapped<T> m = autodiff::exponential_map(tape, input(tape, units), input(tape, entries), generator, inverse);
  return m.value.val().topRows(n).transpose();
}

}  // namespace

TEST_CASE("exponential: of a symmetric matrix, by its eigenvalues, for any norm") {
  for (const double scale : {0.0, 1e-9, 0.3, 1.0, 5.0, 12.0}) {
    for (const Index n : {1, 2, 5, 20}) {
      const Matrix<double> g = normals<double>(n, n, 1), a = scale / static_cast<double>(n) * (g + g.transpose());
      const Eigen::SelfAdjointEigenSolver<Matrix<double>> eigen(a);
      const Matrix<double> exact =
          eigen.eigenvectors() * eigen.eigenvalues().array().exp().matrix().asDiagonal() * eigen.eigenvectors().transpose();
      CHECK((exponential(flat(a), n, Generator::full) - exact).norm() <= 1e-13 * exact.norm() * (1 + a.norm()));
      CHECK((exponential(flat<double>(-a), n, Generator::full, true) - exact).norm() <= 1e-13 * exact.norm() * (1 + a.norm()));
      const Matrix<float> single = exponential<float>(flat<float>(a.cast<float>()), n, Generator::full);
      CHECK((single.cast<double>() - exact).norm() <= 1e-6 * exact.norm() * (1 + 4 * a.norm()));
    }
  }
}

TEST_CASE("exponential: of a skew matrix, the rotation by its angle; of one that is not normal") {
  for (const double angle : {0.0, 0.25, 1.0, 3.0, 50.0}) {
    const Matrix<double> r = exponential<double>(Matrix<double>::Constant(1, 1, angle), 2, Generator::skew);
    CHECK(r(0, 0) == doctest::Approx(std::cos(angle)).epsilon(1e-12));
    CHECK(r(1, 0) == doctest::Approx(std::sin(angle)).epsilon(1e-12));
    CHECK(r(0, 1) == doctest::Approx(-std::sin(angle)).epsilon(1e-12));
  }
  // exp of [[a, b], [0, a]] is e^a·[[1, b], [0, 1]].
  Matrix<double> a(2, 2);
  a << 0.5, 7, 0, 0.5;
  const Matrix<double> e = exponential(flat(a), 2, Generator::full);
  CHECK(e(0, 1) == doctest::Approx(7 * std::exp(0.5)).epsilon(1e-14));
  CHECK(e(1, 0) == 0);
  const Matrix<double> q = exponential<double>(normals<double>(1, 28, 3, 2.0), 8, Generator::skew);
  CHECK((q * q.transpose() - Matrix<double>::Identity(8, 8)).isZero(1e-13));
}

TEST_CASE("exponential: gradients are those of differences, with no squaring and with several") {
  for (const double scale : {0.05, 1.0}) {
    for (const bool inverse : {false, true}) {
      for (const Generator generator : {Generator::full, Generator::skew}) {
        const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
          const Mapped<double> m = autodiff::exponential_map(t, in[0], in[1], generator, inverse);
          return std::vector<Var<double>>{m.value, m.log_det};
        };
        for (const Index own : {1, 6}) {
          const Matrix<double> entries = normals<double>(own, generator == Generator::full ? 9 : 3, 2, scale);
          CHECK(autodiff::check_vjp(run, {normals<double>(6, 3, 1), entries}) == "");
        }
      }
    }
  }
}
