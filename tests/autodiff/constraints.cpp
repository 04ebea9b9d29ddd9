// Bounded, positive and simplex parameters: values, ranges at huge raw numbers, gradients; one row spread over all.
#include "autodiff/ops/constraints.h"

#include <doctest/doctest.h>

#include "autodiff/ops/columns.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::Part;

TEST_CASE("constraints: each takes its part of every feature's raw numbers") {
  Tape<double> tape;
  const Matrix<double> raw = normals<double>(48, 10, 1);  // 2 features of 5
  const Part part{5, 1, 2};
  const Var<double> in = input(tape, raw);
  const Matrix<double> same = autodiff::part(tape, in, part).val(), clipped = autodiff::softclip(tape, in, part, 3.0).val(),
                       positive = autodiff::positive(tape, in, part, 3.0).val(),
                       simplex = autodiff::simplex(tape, in, part, 2, 0.1, 4.0).val();
  REQUIRE(same.cols() == 4);
  for (Index i = 0; i < 48; ++i) {
    for (Index d = 0; d < 2; ++d) {
      const double r = raw(i, 5 * d + 1), s = raw(i, 5 * d + 2);
      CHECK(same(i, 2 * d + 1) == s);
      CHECK(clipped(i, 2 * d) == doctest::Approx(r / (1 + std::abs(r) / 3)));
      CHECK(positive(i, 2 * d + 1) == doctest::Approx(std::exp(s / (1 + std::abs(s) / 3))));
      CHECK(simplex(i, 2 * d) == doctest::Approx(0.1 + 3.8 * std::exp(r) / (std::exp(r) + std::exp(s))));
      CHECK(simplex(i, 2 * d) + simplex(i, 2 * d + 1) == doctest::Approx(4));
    }
  }
}

TEST_CASE("constraints: gradients are those of differences; huge raw numbers stay in range") {
  const auto function = [](Tape<double>& t, std::span<const Var<double>> in) {
    return std::vector<Var<double>>{autodiff::part(t, in[0], {7, 1, 6}), autodiff::softclip(t, in[0], {7, 0, 3}, 2.0),
                                    autodiff::positive(t, in[0], {7, 2, 5}, 2.0),
                                    autodiff::simplex(t, in[0], {7, 1, 6}, 3, 0.05, 2.0), autodiff::broadcast_rows(t, in[1], 4)};
  };
  CHECK(autodiff::check_vjp(function, {normals<double>(4, 14, 1), normals<double>(1, 3, 2)}) == "");
  Tape<float> tape(Mode::differentiate);
  const Var<float> raw = input(tape, normals<float>(48, 4, 3, 1e30), true);
  const Var<float> clipped = autodiff::softclip(tape, raw, {4, 0, 4}, 2.0),
                   simplex = autodiff::simplex(tape, raw, {4, 0, 4}, 4, 1e-3, 1.0);
  CHECK(clipped.val().cwiseAbs().maxCoeff() <= 2.0f);
  CHECK(simplex.val().minCoeff() >= 0.99e-3f);
  clipped.adj().setConstant(1);
  simplex.adj().setConstant(1);
  tape.backward();
  CHECK(raw.adj().allFinite());
}
