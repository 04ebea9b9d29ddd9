// Rows with missing cells: sums that leave them out, and normals of the other columns alone.
#include "autodiff/ops/missing.h"

#include <doctest/doctest.h>

#include <Eigen/LU>
#include <limits>
#include <numbers>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

constexpr Index features = 4, rows = 8;

/// Row i lacks the columns whose bit is set in i: all patterns of three columns, the last one is always there but in row 7.
Matrix<double> holes() {
  Matrix<double> there = Matrix<double>::Ones(rows, features);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j + 1 < features; ++j)
      if ((i >> j & 1) != 0) there(i, j) = 0;
  there(7, 3) = 0;
  return there;
}

autodiff::NormalFactor<double> factor(std::span<const Var<double>> in) {
  return {in[1], in.size() > 3 ? in[3] : Var<double>{}, in[2]};
}

std::vector<Matrix<double>> inputs(bool full) {
  std::vector<Matrix<double>> all{normals<double>(rows, features, 1, 2), normals<double>(1, features, 2),
                                  normals<double>(1, features, 3, 0.4)};
  if (full) all.push_back(normals<double>(1, features * (features - 1) / 2, 4));
  return all;
}

}  // namespace

TEST_CASE("missing: a cell that is NaN is not there, and its place is 0") {
  Matrix<double> x = normals<double>(rows, features, 1);
  const Matrix<double> there = holes();
  for (Index i = 0; i < x.size(); ++i)
    if (there(i) == 0) x(i) = std::nan("");
  Tape<double> tape(Mode::differentiate);
  const Var<double> in = input(tape, x, true);
  const autodiff::Present<double> p = autodiff::present(tape, in);
  CHECK(p.there.val() == there);
  for (Index i = 0; i < x.size(); ++i) CHECK(p.x.value[i] == (there(i) == 0 ? 0 : x(i)));
  p.x.adj().setConstant(3);
  tape.backward();
  CHECK(Matrix<double>(in.adj()) == 3 * there);
}

TEST_CASE("missing: what stands in the other places does not count, whatever it is") {
  const Matrix<double> there = holes();
  Matrix<double> terms = normals<double>(rows, features, 1), clean = terms.cwiseProduct(there);
  terms(1, 0) = std::nan("");
  terms(2, 1) = -std::numeric_limits<double>::infinity();
  Tape<double> tape(Mode::differentiate);
  const Var<double> in = input(tape, terms, true), y = autodiff::sum_present(tape, in, input(tape, there));
  CHECK((y.val() - clean.rowwise().sum()).isZero(1e-15));
  y.adj() = normals<double>(rows, 1, 2);
  tape.backward();
  for (Index j = 0; j < features; ++j) CHECK(in.adj().col(j) == there.col(j).cwiseProduct(normals<double>(rows, 1, 2)));
}

TEST_CASE("missing: a normal without some columns is the normal of the others' means and covariances") {
  const Matrix<double> there = holes();
  for (const bool full : {true, false}) {
    CAPTURE(full);
    const std::vector<Matrix<double>> in = inputs(full);
    Matrix<double> lower = Matrix<double>::Zero(features, features);
    for (Index i = 0; i < features; ++i) {
      lower(i, i) = std::exp(in[2](i));
      for (Index j = 0; full && j < i; ++j) lower(i, j) = in[3](i * (i - 1) / 2 + j);
    }
    const Matrix<double> covariance = lower * lower.transpose();
    Tape<double> tape;
    std::vector<Var<double>> vars;
    for (const Matrix<double>& m : in) vars.push_back(input(tape, m));
    const Var<double> y = tape.make(rows, 1, false), whole = tape.make(rows, 1, false);
    autodiff::normal_log_prob_present(tape, factor(vars), vars[0], input(tape, there), y);
    autodiff::normal_log_prob(tape, factor(vars), vars[0], whole);
    CHECK(y.value[0] == doctest::Approx(whole.value[0]).epsilon(1e-13));
    CHECK(y.value[7] == 0);
    for (Index i = 0; i < 7; ++i) {
      CAPTURE(i);
      std::vector<Index> o;
      for (Index j = 0; j < features; ++j)
        if (there(i, j) != 0) o.push_back(j);
      const Matrix<double> part = covariance(o, o);
      const Eigen::VectorXd off = (in[0].row(i) - in[1].row(0))(o);
      const double expected = -0.5 * (off.dot(part.inverse() * off) + std::log(part.determinant()) +
                                      static_cast<double>(o.size()) * std::log(2 * std::numbers::pi));
      CHECK(y.value[i] == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("missing: columns that are all but one another score as they do without a gap, or not at all") {
  Matrix<double> x(16, 3), there = Matrix<double>::Ones(16, 3);
  x.setConstant(1);
  there.col(2).tail(8).setZero();  // the first two are there
  there.col(0).head(4).setZero();  // the last two
  Tape<double> tape(Mode::differentiate);
  const Matrix<double> lower = (Matrix<double>(1, 3) << 1, 1, 0).finished(),
                       log_diagonal = (Matrix<double>(1, 3) << 0, -25, -25).finished();
  const autodiff::NormalFactor<double> f{input<double>(tape, Matrix<double>::Zero(1, 3)), input(tape, lower, true),
                                         input(tape, log_diagonal, true)};
  const Var<double> y = tape.make(16, 1, true), whole = tape.make(16, 1, false), in = input(tape, x, true);
  autodiff::normal_log_prob_present(tape, f, in, input(tape, there), y);
  autodiff::normal_log_prob(tape, f, in, whole);
  for (Index i = 4; i < 8; ++i) CHECK(y.value[i] == doctest::Approx(whole.value[i]).epsilon(1e-13));
  // x2 given x1: its mean is x1 itself.
  for (Index i = 8; i < 16; ++i) CHECK(y.value[i] == doctest::Approx(-std::log(2 * std::numbers::pi) - 0.5 + 25).epsilon(1e-12));
  for (Index i = 0; i < 4; ++i) CHECK(y.value[i] == -std::numeric_limits<double>::infinity());
  y.adj().setOnes();
  tape.backward();
  CHECK(in.adj().allFinite());
  CHECK(f.lower.adj().allFinite());
}

TEST_CASE("missing: gradients are those of differences") {
  const Matrix<double> there = holes();
  for (const bool full : {true, false}) {
    const std::string fault = autodiff::check_vjp(
        [&](Tape<double>& tape, std::span<const Var<double>> in) -> std::vector<Var<double>> {
          const Var<double> y = tape.make(rows, 1, true);
          autodiff::normal_log_prob_present(tape, factor(in), in[0], input(tape, there), y);
          return {y};
        },
        inputs(full));
    CHECK(fault == "");
  }
}
