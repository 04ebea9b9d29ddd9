// Jets: each op against differences, a network's Jacobian, dense systems a row, and the bound on a spectral norm.
#include "autodiff/ops/jet.h"

#include <doctest/doctest.h>

#include <Eigen/LU>
#include <Eigen/SVD>

#include "autodiff/ops/runge_kutta.h"
#include "autodiff/ops/spectral.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

constexpr Index rows = 6;

// One matrix of each row, entries (i, j) at column i·n + j.
Matrix<double> contractions(Index n) { return normals<double>(n * rows, n, 3, 0.4 / static_cast<double>(n)); }

Matrix<double> of_row(const Matrix<double>& a, Index row) {
  Matrix<double> m(a.cols(), a.cols());
  for (Index i = 0; i < m.rows(); ++i)
    for (Index j = 0; j < m.cols(); ++j) m(i, j) = a(j * rows + row, i);
  return m;
}

}  // namespace

TEST_CASE("jet: values and tangents of each activation are those of differences, and so are its gradients") {
  for (const auto activation : {autodiff::Smooth::none, autodiff::Smooth::tanh, autodiff::Smooth::elu, autodiff::Smooth::silu,
                                autodiff::Smooth::softplus, autodiff::Smooth::lipswish}) {
    CAPTURE(static_cast<int>(activation));
    const auto run = [&](Tape<double>& tape, std::span<const Var<double>> in) {
      return std::vector<Var<double>>{
          autodiff::activate_jet(tape, activation, autodiff::make_jet(tape, in[0], in[1]), in[2], rows)};
    };
    for (const Index shifts : {Index{1}, rows})
      CHECK(autodiff::check_vjp(
                run, {normals<double>(rows, 3, 1), normals<double>(2 * rows, 3, 2), normals<double>(shifts, 3, 4)}) == "");
    Tape<double> tape;
    const Matrix<double> z = normals<double>(rows, 3, 5), v = normals<double>(rows, 3, 6);
    const Var<double> zero = input<double>(tape, Matrix<double>::Zero(1, 3));
    const auto at = [&](double step) {
      return Matrix<double>(autodiff::activate_jet(tape, activation, input<double>(tape, z + step * v), zero, rows).val());
    };
    const Var<double> jet =
        autodiff::activate_jet(tape, activation, autodiff::make_jet(tape, input(tape, z), input(tape, v)), zero, rows);
    CHECK((jet.val().bottomRows(rows) - (at(1e-6) - at(-1e-6)) / 2e-6).cwiseAbs().maxCoeff() < 1e-8);
  }
}

TEST_CASE("jet: log det(I + J) and the systems of each row") {
  for (const Index n : {1, 2, 5}) {
    const Matrix<double> a = contractions(n), b = normals<double>(rows, n, 8);
    Tape<double> tape;
    const Matrix<double> log_det = autodiff::log_det_identity_plus(tape, input(tape, a), rows).val();
    Matrix<double> factors = a, x = b, turned = b;
    for (Index i = 0; i < n; ++i) factors.col(i).segment(i * rows, rows).array() += 1;
    autodiff::factor_each(factors.data(), n, rows);
    autodiff::solve_each(factors.data(), n, rows, x.data());
    autodiff::solve_transposed_each(factors.data(), n, rows, turned.data());
    for (Index row = 0; row < rows; ++row) {
      const Matrix<double> m = Matrix<double>::Identity(n, n) + of_row(a, row);
      CHECK(std::abs(std::log(m.determinant()) - log_det(row)) < 1e-12);
      CHECK((m * x.row(row).transpose() - b.row(row).transpose()).norm() < 1e-12);
      CHECK((m.transpose() * turned.row(row).transpose() - b.row(row).transpose()).norm() < 1e-12);
    }
    const auto run = [](Tape<double>& t, std::span<const Var<double>> in) {
      return std::vector<Var<double>>{autodiff::log_det_identity_plus(t, in[0], rows)};
    };
    CHECK(autodiff::check_vjp(run, {a}) == "");
  }
}

TEST_CASE("spectral: a bounded weight's norm is below the limit and close to it, and its gradient that of differences") {
  for (const std::pair<Index, Index>& shape : {std::pair<Index, Index>{1, 5}, {7, 3}, {3, 7}, {40, 40}}) {
    const Index in = shape.first, out = shape.second;
    for (const double scale : {0.0, 1e-3, 1.0, 1e4}) {
      CAPTURE(in);
      CAPTURE(out);
      CAPTURE(scale);
      const Matrix<double> w = normals<double>(in, out, 9, scale);
      Tape<double> tape;
      const Matrix<double> y = autodiff::bounded_weight(tape, input(tape, w), 0.9).val();
      const double norm = w.jacobiSvd().singularValues()(0), bounded = y.jacobiSvd().singularValues()(0);
      CHECK(bounded <= 0.9 * (1 + 1e-12));
      CHECK(bounded >= std::min(norm, 0.9) * 0.98);
      if (in < 10 && norm > 0)
        CHECK(autodiff::check_vjp(
                  [](Tape<double>& t, std::span<const Var<double>> v) {
                    return std::vector<Var<double>>{autodiff::bounded_weight(t, v[0], 0.9)};
                  },
                  {w}) == "");
      Tape<float> tape32;
      const Matrix<float> y32 = autodiff::bounded_weight(tape32, input<float>(tape32, w.cast<float>()), 0.9f).val();
      CHECK((y32.cast<double>() - y).cwiseAbs().maxCoeff() < 1e-5);
    }
  }
}

TEST_CASE("runge_kutta: the tableau satisfies its conditions, and steps differentiate") {
  const autodiff::DormandPrince& m = autodiff::dormand_prince;
  for (std::size_t i = 0; i < 7; ++i) {
    double sum = 0;
    for (const double w : m.weights[i]) sum += w;
    CHECK(std::abs(sum - m.times[i]) < 1e-14);
  }
  for (int power = 0; power < 5; ++power) {
    double fifth = 0, fourth = -m.error[6];
    for (std::size_t j = 0; j < 6; ++j) {
      fifth += m.weights[6][j] * std::pow(m.times[j], power);
      fourth += (m.weights[6][j] - m.error[j]) * std::pow(m.times[j], power);
    }
    CHECK(std::abs(fifth - 1.0 / (power + 1)) < 1e-14);
    if (power < 4) CHECK(std::abs(fourth - 1.0 / (power + 1)) < 1e-14);
  }
  const Matrix<double> length = normals<double>(rows, 1, 1);
  const auto run = [&](Tape<double>& tape, std::span<const Var<double>> in) {
    return std::vector<Var<double>>{autodiff::weighted_step(tape, in[0], in.data() + 1, m.weights[3].data(), 3, length.data())};
  };
  std::vector<Matrix<double>> inputs;
  for (std::uint32_t k = 0; k < 4; ++k) inputs.push_back(normals<double>(rows, 2, k));
  CHECK(autodiff::check_vjp(run, inputs) == "");
}

TEST_CASE("tape: a replay inside a closure has a way back of its own and leaves the outer one as it was") {
  Tape<double> tape(Mode::differentiate);
  const Var<double> x = input(tape, Matrix<double>(Matrix<double>::Constant(1, 1, 3.0)), true);
  const auto square = [](Tape<double>& t, Var<double> v) {
    const Var<double> y = t.make(1, 1, true);
    y.value[0] = v.value[0] * v.value[0];
    if (y.wants_grad()) t.on_backward([=] { v.adjoint[0] += 2 * v.value[0] * y.adjoint[0]; });
    return y;
  };
  const Var<double> y = tape.make(1, 1, true);
  y.value[0] = std::pow(x.value[0], 4);
  tape.on_backward([=, t = &tape] {
    const Tape<double>::Replay replay(*t);
    const Var<double> z = square(*t, square(*t, x));
    z.adjoint[0] = y.adjoint[0];
    t->backward();
  });
  const Var<double> w = square(tape, y);
  w.adjoint[0] = 1;
  tape.backward();
  CHECK(x.adjoint[0] == doctest::Approx(8 * std::pow(3.0, 7)));
  CHECK(tape.differentiates());
}
