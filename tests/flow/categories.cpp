// Categorical columns: probabilities over every combination, who looks at whom, draws against scores, gradients, and where the logits start.
#include "flow/categories.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/statistics.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

const std::vector<int> all_counts{3, 2, 4};

/// Up to three categorical columns at places 2, 0 and 3 of four; what lies at place 1 is another column's.
template <class T>
struct Coded {
  config::Document document{config::Json::parse(R"({"hidden": [12], "activation": "tanh"})")};
  nn::ParameterLayout layout;
  std::vector<int> places, counts;
  flow::Categories<T> categories;
  std::vector<T> parameters;

  Coded(std::size_t columns, int context)
      : places({2, 0, 3}),
        counts(all_counts.begin(), all_counts.begin() + static_cast<std::ptrdiff_t>(columns)),
        categories(document.root(), layout, (places.resize(columns), places), counts, context, "") {
    document.check();
    const std::vector<double> start = layout.initial(5);
    parameters.assign(start.begin(), start.end());
    perturb(layout, parameters, 0.6);
  }

  Index combinations() const {
    Index all = 1;
    for (const int count : counts) all *= count;
    return all;
  }
  /// Combination k of the codes, the first column's fastest, for each of `rows` rows.
  Matrix<T> codes(Index k, Index rows) const {
    Matrix<T> x = Matrix<T>::Constant(rows, 4, T(-7));
    for (std::size_t j = 0; j < places.size(); ++j, k /= counts[j - 1])
      x.col(places[j]).setConstant(static_cast<T>(k % counts[j]));
    return x;
  }
  Matrix<T> log_prob(const Matrix<T>& x, const Matrix<T>& context) {
    Tape<T> tape;
    nn::Pass<T> pass{tape, parameters.data()};
    return categories.log_prob(pass, input(tape, x), context.cols() ? input(tape, context) : Var<T>{}).val();
  }
};

}  // namespace

TEST_CASE_TEMPLATE("categories: the probabilities of all combinations sum to 1, whatever the context", T, float, double) {
  for (const std::size_t columns : {1u, 2u, 3u}) {
    for (const int context : {0, 2}) {
      CAPTURE(columns);
      CAPTURE(context);
      Coded<T> coded(columns, context);
      CHECK(coded.layout.parameters().size() == (columns == 1 && context == 0 ? 1 : 5));
      const Matrix<T> given = normals<T>(block, context, 2);
      Matrix<T> sum = Matrix<T>::Zero(block, 1);
      for (Index k = 0; k < coded.combinations(); ++k) sum.array() += coded.log_prob(coded.codes(k, block), given).array().exp();
      CHECK((sum.array() - T(1)).abs().maxCoeff() < 20 * std::numeric_limits<T>::epsilon());
    }
  }
}

TEST_CASE("categories: a column's term looks at those before it and at the context, and at nothing else") {
  Coded<double> coded(2, 1);
  const Matrix<double> given = Matrix<double>::Constant(block, 1, 0.4);
  // p(c1) as the sum over c2, for two ways of the context; p(c2 | c1) as what is left.
  const auto joint = [&](Index k, double context) {
    return std::exp(coded.log_prob(coded.codes(k, block), Matrix<double>::Constant(block, 1, context))(0));
  };
  const auto first = [&](Index c1, double context) { return joint(c1, context) + joint(c1 + 3, context); };
  CHECK(std::abs(first(0, 0.4) - first(0, -1.0)) > 1e-3);
  CHECK(std::abs(joint(0, 0.4) / first(0, 0.4) - joint(1, 0.4) / first(1, 0.4)) > 1e-3);
  Matrix<double> other = coded.codes(4, block);
  const Matrix<double> score = coded.log_prob(other, given);
  other.col(1) = normals<double>(block, 1, 3);
  other.col(3) = normals<double>(block, 1, 4);
  CHECK(same_bits(coded.log_prob(other, given), score));
}

TEST_CASE("categories: a code that is none has probability 0") {
  Coded<double> coded(3, 0);
  const Matrix<double> valid = coded.codes(0, block);
  for (const int place : coded.places) {
    for (const double code : {-1.0, 0.5, 4.0, std::numeric_limits<double>::quiet_NaN()}) {
      CAPTURE(place);
      CAPTURE(code);
      Matrix<double> x = valid;
      x(5, place) = code;
      const Matrix<double> score = coded.log_prob(x, Matrix<double>(block, 0));
      CHECK(score(5) == -std::numeric_limits<double>::infinity());
      CHECK(score(6) == coded.log_prob(valid, Matrix<double>(block, 0))(6));
    }
  }
}

TEST_CASE("categories: draws come as often as their probabilities say, each by its row's id alone") {
  constexpr Index rows = 400 * block;
  Coded<double> coded(3, 1);
  std::vector<std::uint64_t> ids(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = 3 * i;
  const auto draw = [&](Index first, Index count) {
    Tape<double> tape;
    nn::Pass<double> pass{tape, coded.parameters.data()};
    pass.rows = ids.data() + first;
    const Var<double> x = input(tape, Matrix<double>(Matrix<double>::Constant(count, 4, -7)));
    coded.categories.sample(pass, input(tape, Matrix<double>(Matrix<double>::Constant(count, 1, 0.4))),
                            {5, core::Purpose::sample}, x);
    return Matrix<double>(x.val());
  };
  const Matrix<double> draws = draw(0, rows);
  CHECK((draws.col(1).array() == -7).all());
  CHECK(same_bits(draw(block, block), Matrix<double>(draws.middleRows(block, block))));
  double chi = 0;
  for (Index k = 0; k < coded.combinations(); ++k) {
    const Matrix<double> codes = coded.codes(k, 1);
    double seen = 0;
    for (Index i = 0; i < rows; ++i) seen += draws.row(i) == codes.row(0);
    const double expected =
        std::exp(coded.log_prob(coded.codes(k, block), Matrix<double>::Constant(block, 1, 0.4))(0)) * static_cast<double>(rows);
    REQUIRE(expected > 5);
    chi += (seen - expected) * (seen - expected) / expected;
  }
  CHECK(chi_square_p(chi, static_cast<double>(coded.combinations() - 1)) > 1e-3);
}

TEST_CASE("categories: gradients of parameters and context") {
  for (const std::size_t columns : {1u, 3u}) {
    Coded<double> coded(columns, 2);
    const auto run = [&](Tape<double>& tape, std::span<const Var<double>> inputs) {
      nn::Pass<double> pass{tape, inputs[0].value, inputs[0].adjoint};
      Matrix<double> x = coded.codes(0, block);
      for (Index i = 0; i < block; ++i) x.row(i) = coded.codes(i % coded.combinations(), 1).row(0);
      return std::vector<Var<double>>{coded.categories.log_prob(pass, input(tape, x), inputs[1])};
    };
    const Matrix<double> parameters =
        Eigen::Map<const Matrix<double>>(coded.parameters.data(), 1, static_cast<Index>(coded.parameters.size()));
    // Directions of the context alone: a random one of the parameters would leave the masks.
    const auto of_context = [&](Tape<double>& tape, std::span<const Var<double>> inputs) {
      const Var<double> all[] = {input(tape, parameters), inputs[0]};
      return run(tape, all);
    };
    CHECK(autodiff::check_vjp(of_context, {normals<double>(block, 2, 3)}, {.directions = 3}) == "");
    Tape<double> tape(Mode::differentiate);
    const Var<double> inputs[] = {input(tape, parameters, true), input(tape, normals<double>(block, 2, 3))};
    const Var<double> y = run(tape, inputs)[0];
    y.adj().setOnes();
    tape.backward();
    for (const nn::Parameter& p : coded.layout.parameters()) {
      CAPTURE(p.name);
      const std::vector<Index> places = free_places(p);
      for (std::size_t i = 0; i < places.size(); i += 1 + places.size() / 40) {
        double sides[2];
        for (const int side : {0, 1}) {
          Matrix<double> moved = parameters;
          moved(places[i]) += side ? 1e-5 : -1e-5;
          Tape<double> plain;
          const Var<double> at[] = {input(plain, moved), input(plain, normals<double>(block, 2, 3))};
          sides[side] = run(plain, at)[0].val().sum();
        }
        CHECK(inputs[0].adj()(places[i]) == doctest::Approx((sides[1] - sides[0]) / 2e-5).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("categories: the logits start at the shares, a category that never came at half a row") {
  Coded<double> coded(2, 0);
  const Matrix<double> rows = (Matrix<double>(4, 4) << 1, 0, 2, 0,  //
                               1, 0, 2, 0,                          //
                               0, 0, 2, 0,                          //
                               1, 0, 0, 0)
                                  .finished();
  coded.categories.initialize(coded.parameters, {rows.data(), 16}, 4);
  const std::vector<double> expected{1.5 / 4, 0.5 / 4, 3.5 / 4, 1.5 / 4, 3.5 / 4};
  for (std::size_t k = 0; k < expected.size(); ++k) CHECK(coded.parameters[k] == doctest::Approx(std::log(expected[k])));
}
