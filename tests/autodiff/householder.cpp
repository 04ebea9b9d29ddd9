// Reflections against dense matrices, both orders, shared by the rows or each row's own.
#include "autodiff/ops/householder.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

Matrix<double> reflection(const Matrix<double>& v) {
  const Index n = v.size();
  return Matrix<double>::Identity(n, n) - 2 * v.transpose() * v / v.squaredNorm();
}

}  // namespace

TEST_CASE("householder: the product of the dense reflections, and its inverse backwards") {
  constexpr Index n = 3, count = 4;
  for (const Index own : {1, 48}) {
    const Matrix<double> x = normals<double>(48, n, 1), v = normals<double>(own, count * n, 2);
    Tape<double> tape;
    const Var<double> vectors = input(tape, v), y = autodiff::reflect(tape, input(tape, x), vectors, false),
                      back = autodiff::reflect(tape, y, vectors, true);
    for (Index i = 0; i < 48; ++i) {
      Matrix<double> product = Matrix<double>::Identity(n, n);
      for (Index k = 0; k < count; ++k) product = reflection(v.row(own == 1 ? 0 : i).middleCols(k * n, n)) * product;
      CHECK((y.val().row(i) - x.row(i) * product.transpose()).isZero(1e-13));
    }
    CHECK((back.val() - x).isZero(1e-13));
  }
}

TEST_CASE("householder: a vector of zeros reflects nothing, and gets no gradient that is not finite") {
  Tape<float> tape(Mode::differentiate);
  const Matrix<float> x = normals<float>(48, 2, 1);
  const Var<float> v = input<float>(tape, Matrix<float>::Zero(1, 2), true), y = autodiff::reflect(tape, input(tape, x), v, false);
  CHECK(y.val() == x);
  y.adj().setConstant(1e6f);
  tape.backward();
  CHECK(v.adj().allFinite());
}

TEST_CASE("householder: gradients are those of differences") {
  for (const bool backwards : {false, true}) {
    const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
      return std::vector<Var<double>>{autodiff::reflect(t, in[0], in[1], backwards)};
    };
    for (const Index own : {1, 6}) CHECK(autodiff::check_vjp(run, {normals<double>(6, 3, 1), normals<double>(own, 12, 2)}) == "");
  }
}
