// An ensemble: the mean of its members' densities, by column too, draws of one member a row, and gradients.
#include "flow/ensemble.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "support/statistics.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

struct Three {
  config::Document document{config::Json::parse(R"({"flow": [
      {"type": "autoregressive", "order": "random", "univariate": {"type": "spline", "bins": 4}, "net": {"hidden": [6], "activation": "tanh"}},
      {"type": "act_norm"}, {"type": "permutation", "order": "random"}]})")};
  nn::ParameterLayout layout;
  flow::Ensemble<double> ensemble{document.root(), 3, {{.name = "a"}, {.name = "b"}, {.name = "c"}}, {}, layout, 1};
  std::vector<double> parameters = layout.initial(1);
  std::vector<std::uint64_t> ids = std::vector<std::uint64_t>(960);
  Matrix<double> x = normals<double>(96, 3, 1);

  Three() {
    document.check();
    perturb(layout, parameters, 0.3);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
  }
};

}  // namespace

TEST_CASE("ensemble: scores are the log of the members' mean density") {
  Three three;
  Tape<double> tape;
  nn::Pass<double> pass{tape, three.parameters.data()};
  const Var<double> x = input(tape, three.x);
  const Matrix<double> scores = three.ensemble.log_prob(pass, x, {}).val();
  Matrix<double> mean = Matrix<double>::Zero(96, 1);
  for (const auto& member : three.ensemble.members()) mean.array() += member.log_prob(pass, x, {}).val().array().exp() / 3;
  CHECK((scores.array() - mean.array().log()).abs().maxCoeff() < 1e-12);
  // Members have parameters of their own, and the same orders.
  std::set<std::string> names;
  for (const nn::Parameter& p : three.layout.parameters()) names.insert(p.name.substr(0, p.name.find('.', 8)));
  CHECK(names == std::set<std::string>{"members.0", "members.1", "members.2"});
  CHECK(three.ensemble.members()[0].conditionals().order == three.ensemble.members()[2].conditionals().order);
  CHECK(three.ensemble.members()[0].log_prob(pass, x, {}).val() != three.ensemble.members()[1].log_prob(pass, x, {}).val());
}

TEST_CASE("ensemble: by column, the terms are conditionals of the mean") {
  Three three;
  Tape<double> tape;
  nn::Pass<double> pass{tape, three.parameters.data()};
  const Matrix<double> terms = three.ensemble.log_prob_by_column(pass, input(tape, three.x), {}).val();
  const Matrix<double> scores = three.ensemble.log_prob(pass, input(tape, three.x), {}).val();
  CHECK((terms.rowwise().sum() - scores).cwiseAbs().maxCoeff() < 1e-12);
  // The last column's term is a density of that column given the others: it integrates to 1.
  const flow::Conditionals split = three.ensemble.conditionals();
  REQUIRE(split.reason.empty());
  const int last = split.order.back();
  constexpr Index n = 9600;
  Matrix<double> line = three.x.row(0).replicate(n, 1);
  line.col(last) = Eigen::VectorXd::LinSpaced(n, -12, 12);
  const Matrix<double> along = three.ensemble.log_prob_by_column(pass, input(tape, line), {}).val();
  CHECK(along.col(last).array().exp().sum() * 24 / (n - 1) == doctest::Approx(1).epsilon(1e-4));
  for (const int d : {split.order[0], split.order[1]}) CHECK((along.col(d).array() - along(0, d)).abs().maxCoeff() < 1e-12);
}

TEST_CASE("ensemble: a draw is one of a member's, by its id alone") {
  Three three;
  Tape<double> tape;
  nn::Pass<double> pass{tape, three.parameters.data()};
  pass.rows = three.ids.data();
  const Matrix<double> draws = three.ensemble.sample(pass, 960, {}, 5).val();
  std::vector<Matrix<double>> own;
  for (const auto& member : three.ensemble.members()) own.push_back(member.sample(pass, 960, {}, 5).val());
  std::vector<int> counts(3, 0);
  for (Index i = 0; i < 960; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      if (draws.row(i) == own[k].row(i)) ++counts[k];
  CHECK(counts[0] + counts[1] + counts[2] == 960);
  for (const int count : counts) CHECK(std::abs(count - 320) < 4 * std::sqrt(960 * 2.0 / 9));
  pass.rows = three.ids.data() + 100;
  CHECK(three.ensemble.sample(pass, 96, {}, 5).val() == draws.middleRows(100, 96));
}
