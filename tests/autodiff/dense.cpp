// The dense layer: against the plain composition product, bias, skip, activation; masked, and by ranges of columns.
#include "autodiff/ops/dense.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::Activation;
using autodiff::DenseLayer;

namespace {

constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::elu,
                                      Activation::tanh, Activation::silu, Activation::leaky_relu};

double plain(Activation activation, double z) {
  switch (activation) {
    case Activation::none:
      return z;
    case Activation::relu:
      return z > 0 ? z : 0;
    case Activation::elu:
      return z > 0 ? z : std::expm1(z);
    case Activation::tanh:
      return std::tanh(z);
    case Activation::silu:
      return z / (1 + std::exp(-z));
    case Activation::leaky_relu:
      return z > 0 ? z : 0.01 * z;
  }
  return 0;
}

// Units of a mask: how many inputs each of 70 units sees. More units than a panel, the first blind, the last seeing all 6.
std::vector<int> staircase() {
  std::vector<int> prefix(70);
  for (std::size_t j = 0; j < prefix.size(); ++j) prefix[j] = static_cast<int>(j) * 7 / 70;
  return prefix;
}

Matrix<double> masked(Matrix<double> weight, const std::vector<int>& prefix) {
  for (Index j = 0; j < weight.cols(); ++j) weight.col(j).tail(weight.rows() - prefix[static_cast<std::size_t>(j)]).setZero();
  return weight;
}

// An op of the test: weights outside the mask are zero and take no gradient.
Var<double> mask(Tape<double>& tape, Var<double> weight, const int* prefix) {
  const Var<double> y = tape.make(weight.rows, weight.cols, weight.wants_grad());
  for (Index j = 0; j < y.cols; ++j) {
    for (Index i = 0; i < y.rows; ++i) y.value[j * y.rows + i] = i < prefix[j] ? weight.value[j * y.rows + i] : 0;
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < y.cols; ++j) {
        for (Index i = 0; i < prefix[j]; ++i) weight.adjoint[j * y.rows + i] += y.adjoint[j * y.rows + i];
      }
    });
  }
  return y;
}

}  // namespace

TEST_CASE("dense: the fused layer is product, bias, skip, activation") {
  const Matrix<double> x = normals<double>(48, 5, 1), w = normals<double>(5, 7, 2), b = normals<double>(1, 7, 3),
                       skip = normals<double>(48, 7, 4);
  for (const Activation activation : activations) {
    for (const bool skips : {false, true}) {
      Tape<double> tape;
      const Var<double> y = autodiff::dense(tape, DenseLayer<double>{input(tape, w), input(tape, b), nullptr, activation},
                                            input(tape, x), skips ? input(tape, skip) : Var<double>{});
      Matrix<double> z = (x * w).rowwise() + b.row(0);
      if (skips) z += skip;
      CHECK((y.val() - z.unaryExpr([&](double v) { return plain(activation, v); })).isZero(1e-13));
    }
  }
}

TEST_CASE("dense: gradients are those of differences, plain and with skip") {
  for (const Activation activation : activations) {
    CAPTURE(static_cast<int>(activation));
    const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
      return std::vector<Var<double>>{autodiff::dense(t, DenseLayer<double>{in[1], in[2], nullptr, activation}, in[0],
                                                      in.size() > 3 ? in[3] : Var<double>{})};
    };
    const std::vector<Matrix<double>> inputs{normals<double>(6, 3, 1), normals<double>(3, 4, 2), normals<double>(1, 4, 3),
                                             normals<double>(6, 4, 4)};
    CHECK(autodiff::check_vjp(run, inputs) == "");
    CHECK(autodiff::check_vjp(run, {inputs[0], inputs[1], inputs[2]}) == "");
  }
}

TEST_CASE("dense: a masked layer is the plain one with zeros, both ways, and leaves the mask alone") {
  const std::vector<int> prefix = staircase();
  const Matrix<double> x = normals<double>(48, 6, 1), w = masked(normals<double>(6, 70, 2), prefix),
                       b = normals<double>(1, 70, 3);
  Tape<double> tape(Mode::differentiate);
  const Var<double> in = input(tape, x, true), weight = input(tape, w, true), bias = input(tape, b, true);
  const Var<double> y = autodiff::dense(tape, DenseLayer<double>{weight, bias, prefix.data(), Activation::tanh}, in);
  CHECK((y.val() - ((x * w).rowwise() + b.row(0)).array().tanh().matrix()).isZero(1e-13));
  y.adj().setConstant(1);
  tape.backward();
  for (Index j = 0; j < 70; ++j) {
    const Index free = prefix[static_cast<std::size_t>(j)];
    CHECK(weight.adj().col(j).tail(6 - free).isZero(0));
    CHECK((weight.adj().col(j).head(free).array() != 0).all());
  }
  const auto run = [&](Tape<double>& t, std::span<const Var<double>> v) {
    return std::vector<Var<double>>{
        autodiff::dense(t, DenseLayer<double>{mask(t, v[1], prefix.data()), v[2], prefix.data(), Activation::silu}, v[0])};
  };
  CHECK(autodiff::check_vjp(run, {x.topRows(4), w, b}) == "");
}

TEST_CASE("dense: ranges of columns make the whole layer") {
  const std::vector<int> prefix = staircase();
  const Matrix<double> x = normals<double>(48, 6, 1), w = masked(normals<double>(6, 70, 2), prefix),
                       b = normals<double>(1, 70, 3);
  const auto run = [&](Tape<double>& t, std::span<const Var<double>> v, bool pieces) {
    const DenseLayer<double> layer{mask(t, v[1], prefix.data()), v[2], prefix.data(), Activation::silu};
    const Var<double> y = t.make(v[0].rows, 70, true), before = t.make(v[0].rows, 70, false);
    if (pieces) {
      for (const auto& [first, count] : {std::pair<Index, Index>{0, 1}, {1, 0}, {1, 40}, {41, 29}})
        autodiff::dense_columns(t, layer, v[0], Var<double>{}, y, before, first, count);
    } else {
      autodiff::dense_columns(t, layer, v[0], Var<double>{}, y, before, 0, 70);
    }
    return y;
  };
  Tape<double> tape;
  const std::vector<Var<double>> vars{input(tape, x), input(tape, w), input(tape, b)};
  CHECK((run(tape, vars, true).val() - run(tape, vars, false).val()).isZero(1e-14));
  CHECK(autodiff::check_vjp(
            [&](Tape<double>& t, std::span<const Var<double>> v) { return std::vector<Var<double>>{run(t, v, true)}; },
            {x.topRows(4), w, b}) == "");
}

TEST_CASE("dense: activate_columns is the activation of a range") {
  for (const Activation activation : activations) {
    const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
      const Var<double> y = t.make(6, 4, true);
      autodiff::activate_columns(t, activation, in[0], y, 0, 1);
      autodiff::activate_columns(t, activation, in[0], y, 1, 3);
      return std::vector<Var<double>>{y};
    };
    const Matrix<double> x = normals<double>(6, 4, 1);
    CHECK(autodiff::check_vjp(run, {x}) == "");
    Tape<double> tape;
    const Var<double> in[] = {input(tape, x)};
    CHECK((run(tape, in)[0].val() - x.unaryExpr([&](double v) { return plain(activation, v); })).isZero(1e-14));
  }
}
