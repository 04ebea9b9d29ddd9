// Estimated log-determinants: right on average in training, repeatable in scores, and their series by fixed probes exact up to its tail.
#include <doctest/doctest.h>

#include <numeric>
#include <utility>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

// log_det of one row, `steps` training steps (or scores where there are none).
std::vector<double> log_dets(const Subject<double>& subject, const Matrix<double>& x, bool training, std::uint32_t steps) {
  std::vector<std::uint64_t> ids(static_cast<std::size_t>(x.rows()));
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  std::vector<double> all;
  Tape<double> tape;
  for (std::uint32_t step = 0; step < steps; ++step) {
    tape.reset(Mode::evaluate);
    nn::Pass<double> pass{tape, subject.parameters.data()};
    pass.training = training;
    pass.seed = 4;
    pass.step = step;
    pass.rows = ids.data();
    const Mapped<double> m = subject.apply(pass, input(tape, x), {}, true);
    all.insert(all.end(), m.log_det.value, m.log_det.value + x.rows());
  }
  return all;
}

/// At the row whose exact log-determinant is the least of a block.
void check_estimate(const std::string& exact, const std::string& estimate, int features = 4, std::uint32_t count = 200,
                    double most = 0.05) {
  CAPTURE(estimate);
  Subject<double> right({"", exact, features}), subject({"", estimate, features});
  REQUIRE(right.ok());
  REQUIRE(subject.ok());
  REQUIRE(right.parameters.size() == subject.parameters.size());
  for (Subject<double>* const one : {&right, &subject}) {
    one->perturb();
    // A chain of one unit a layer falls as steeply as its bound allows.
    if (features > 1) continue;
    double sign = -1;
    for (const nn::Parameter& p : one->layout().parameters())
      if (p.name.ends_with(".weight")) one->parameters[static_cast<std::size_t>(p.offset)] = std::exchange(sign, 1.0);
  }
  // The same row in all places: as many draws.
  const std::vector<double> all = log_dets(right, subject.rows(true), false, 1);
  const auto least = std::ranges::min_element(all);
  const Matrix<double> x = subject.rows(true).row(least - all.begin()).replicate(block, 1);
  const double truth = *least;
  const std::vector<double> draws = log_dets(subject, x, true, count);
  double mean = 0, between = 0;
  std::vector<double> steps;  // rows of a step share the number of terms: the steps' means are what is independent
  for (std::size_t i = 0; i < draws.size(); i += block)
    steps.push_back(std::accumulate(draws.begin() + static_cast<std::ptrdiff_t>(i),
                                    draws.begin() + static_cast<std::ptrdiff_t>(i + block), 0.0) /
                    block);
  for (const double v : steps) mean += v / static_cast<double>(steps.size());
  for (const double v : steps) between += (v - mean) * (v - mean);
  const double error = std::sqrt(between / static_cast<double>(steps.size() * (steps.size() - 1)));
  CHECK(error < most);
  CHECK(std::abs(mean - truth) < 4 * error);
  const std::vector<double> scores = log_dets(subject, x, false, 2);
  for (const double v : scores) CHECK(v == scores.front());
}

}  // namespace

TEST_CASE("estimates: a residual layer's training estimate is right on average, its scores draw nothing") {
  check_estimate(R"({"type": "residual", "lipschitz": 0.9, "net": {"hidden": [8]}})",
                 R"({"type": "residual", "lipschitz": 0.9, "log_det": "estimate", "net": {"hidden": [8]}})");
  // One column has no noise but the roulette's, and a slope near −0.6 a series whose late terms, all of one sign, count.
  check_estimate(R"({"type": "residual", "lipschitz": 0.65, "net": {"hidden": [1], "activation": "elu"}})",
                 R"({"type": "residual", "lipschitz": 0.65, "log_det": "estimate", "net": {"hidden": [1], "activation": "elu"}})",
                 1, 2000, 0.005);
}

TEST_CASE("estimates: a continuous layer's training estimate is right on average, its scores draw nothing") {
  check_estimate(R"({"type": "continuous", "net": {"hidden": [8]}})",
                 R"({"type": "continuous", "trace": "hutchinson", "net": {"hidden": [8]}})");
}
