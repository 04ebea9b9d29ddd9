// Small ops: values against plain expressions, products against differences.
#include "autodiff/ops/elementwise.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

using Vars = std::vector<Var<double>>;
using Inputs = std::span<const Var<double>>;

const Matrix<double> a = normals<double>(6, 3, 1), b = normals<double>(6, 3, 2), row = normals<double>(1, 3, 3, 0.5),
                     row2 = normals<double>(1, 3, 4);
constexpr int order[] = {2, 0, 0, 1};

}  // namespace

TEST_CASE("elementwise: gradients are those of differences") {
  CHECK(autodiff::check_vjp([](Tape<double>& t, Inputs in) { return Vars{autodiff::add(t, in[0], in[1])}; }, {a, b}) == "");
  CHECK(autodiff::check_vjp([](Tape<double>& t, Inputs in) { return Vars{autodiff::row_sum(t, in[0])}; }, {a}) == "");
  CHECK(autodiff::check_vjp([](Tape<double>& t, Inputs in) { return Vars{autodiff::concat(t, in[0], in[1])}; }, {a, b}) == "");
  CHECK(autodiff::check_vjp([](Tape<double>& t, Inputs in) { return Vars{autodiff::gather_columns<double>(t, in[0], order)}; },
                            {a}) == "");
  CHECK(autodiff::check_vjp(
            [](Tape<double>& t, Inputs in) {
              const Var<double> y = t.make(6, 3, true);
              static constexpr int to[] = {1, 2, 0};
              autodiff::scatter_columns<double>(t, in[0], y, to);
              return Vars{y};
            },
            {a}) == "");
  CHECK(autodiff::check_vjp(
            [](Tape<double>& t, Inputs in) {
              const Var<double> y = t.make(6, 6, true);
              autodiff::copy(t, in[0], y.columns(0, 3));
              autodiff::copy(t, in[1], y.columns(3, 3));
              return Vars{y};
            },
            {a, b}) == "");
  for (const bool inverse : {false, true}) {
    const auto run = [=](Tape<double>& t, Inputs in) {
      const Mapped<double> m = autodiff::scale_shift(t, in[0], in[1], in[2], inverse);
      return Vars{m.value, m.log_det};
    };
    CHECK(autodiff::check_vjp(run, {a, row, row2}) == "");
    const auto shift = [=](Tape<double>& t, Inputs in) {
      return Vars{autodiff::scale_shift(t, in[0], Var<double>{}, in[1], inverse).value};
    };
    CHECK(autodiff::check_vjp(shift, {a, row2}) == "");
  }
  CHECK(autodiff::check_vjp([](Tape<double>& t, Inputs in) { return Vars{autodiff::standard_normal_log_prob(t, in[0])}; }, {a}) ==
        "");
  const Matrix<double> uniforms = (b.array() / 10 + 0.5).matrix();
  CHECK(autodiff::check_vjp(
            [&](Tape<double>& t, Inputs in) {
              const Var<double> y = t.make(6, 3, true);
              autodiff::dropout_columns(t, in[0], y, uniforms.data(), 0.5, 0, 1);
              autodiff::dropout_columns(t, in[0], y, uniforms.data(), 0.5, 1, 2);
              return Vars{y};
            },
            {a}) == "");
}

TEST_CASE("elementwise: values") {
  Tape<double> t;
  const Var<double> x = input(t, a), y = input(t, b);
  CHECK(same_bits<double>(autodiff::add(t, x, y).val(), a + b));
  CHECK((autodiff::row_sum(t, x).val() - a.rowwise().sum()).cwiseAbs().maxCoeff() < 1e-15);
  CHECK(autodiff::constant(t, 2, 2, 3.0).val().sum() == 12);
  CHECK(autodiff::concat(t, Var<double>{}, x).value == x.value);
  CHECK(autodiff::concat(t, x, Var<double>{}).value == x.value);
  CHECK(same_bits<double>(autodiff::concat(t, x, y).val().rightCols(3), b));
  CHECK(same_bits<double>(autodiff::gather_columns<double>(t, x, order).val().col(3), a.col(1)));
  const Mapped<double> scaled = autodiff::scale_shift(t, x, input(t, row), input(t, row2), false);
  CHECK((scaled.value.val().array() - ((a.array().rowwise() * row.array().exp().row(0)).rowwise() + row2.array().row(0)))
            .isZero(1e-14));
  CHECK((scaled.log_det.val().array() - row.sum()).isZero(1e-14));
  const double offset = std::log(2 * std::numbers::pi);
  CHECK((autodiff::standard_normal_log_prob(t, x).val() + 0.5 * (a.rowwise().squaredNorm().array() + 3 * offset).matrix())
            .isZero(1e-14));
}
