// Layer normalization against its formula and against differences.
#include "autodiff/ops/layer_norm.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

TEST_CASE("layer_norm: gradients are those of differences") {
  for (const Index width : {1, 2, 7}) {
    const auto run = [](Tape<double>& t, std::span<const Var<double>> in) {
      return std::vector<Var<double>>{autodiff::layer_norm(t, in[0], in[1], in[2])};
    };
    CHECK(autodiff::check_vjp(run, {normals<double>(6, width, 1), normals<double>(1, width, 2), normals<double>(1, width, 3)}) ==
          "");
  }
}

TEST_CASE("layer_norm: rows have mean 0 and variance 1, far ones and constant ones stay finite") {
  Tape<float> t(Mode::differentiate);
  Matrix<float> m = normals<float>(6, 40, 1);
  m.row(1) *= 1e6f;
  m.row(2).array() += 1e6f;
  m.row(3).setConstant(1e6f);
  const Var<float> x = input(t, m, true);
  const Var<float> y =
      autodiff::layer_norm(t, x, input<float>(t, Matrix<float>::Ones(1, 40)), input<float>(t, Matrix<float>::Zero(1, 40)));
  CHECK(y.val().allFinite());
  for (const Index row : {0, 1, 4}) {
    CHECK(std::abs(y.val().row(row).mean()) < 1e-5);
    CHECK(y.val().row(row).squaredNorm() / 40 == doctest::Approx(1).epsilon(1e-4));
  }
  y.adj().setConstant(1);
  t.backward();
  CHECK(x.adj().allFinite());
}
