// Weights of rows: as if a row of weight 2 stood there twice and one of weight 0 did not, and no bit of difference where all are 1.
#include <doctest/doctest.h>

#include <cmath>

#include "../core/scratch.h"
#include "core/error.h"
#include "fixture.h"
#include "training/prepare.h"
#include "training/trainer.h"

using namespace flowfit;
using test::thrown;

namespace {

std::string config_of(const std::string& data, const std::string& train) {
  return R"({"data": {)" + data +
         R"(}, "flow": [{"type": "coupling", "univariate": {"type": "spline", "bins": 4}, "net": {"hidden": [8]}},
         {"type": "permutation", "order": "reverse"}, {"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}],
         "train": {"dtype": "float64", )" +
         train + "}}";
}

data::Dataset weighted(std::vector<double> weights) {
  data::Dataset table = test::banana(weights.size());
  table.names.emplace_back("w");
  table.columns.push_back(std::move(weights));
  return table;
}

struct Trained {
  Trained(const std::string& text, const data::Dataset& table, int steps, const data::Dataset* second = nullptr) {
    const training::Plan plan = training::read_plan(text, "c", table.names);
    const auto model = training::fresh_model<double>(plan);
    const training::Parts parts = training::split(plan.flow, table, second);
    rows = parts.train.count();
    fingerprint = parts.fingerprint;
    schema = training::fit_schema(plan, parts);
    const auto train = training::encoded<double>(schema, parts.train, 1),
               held_out = training::encoded<double>(schema, parts.validation, 1);
    core::ThreadPool pool(1);
    training::Trainer<double> trainer(*model, plan.training, train, held_out, pool);
    for (int i = 0; i < steps; ++i) losses.push_back(trainer.step().nll);
    weights = model->weights();
    if (held_out.count > 0) validation = trainer.nll(held_out, weights);
  }
  std::size_t rows = 0;
  std::string fingerprint;
  data::Schema schema;
  std::vector<double> losses, weights;
  double validation = 0;
};

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

const std::string all_rows = R"("validation": 0)", by_weight = R"("validation": 0, "weight": "w")",
                  full = R"("batch_size": "full")";

}  // namespace

TEST_CASE("weights: 2 is the row twice, 0 is no row") {
  std::vector<double> weights(230);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<double>(i % 3);
  const data::Dataset table = weighted(weights);
  data::Dataset copies = test::banana(230);
  for (std::vector<double>& column : copies.columns) {
    std::vector<double> all;
    for (std::size_t i = 0; i < column.size(); ++i) all.insert(all.end(), i % 3, column[i]);
    column = all;
  }
  const Trained one(config_of(by_weight, full), table, 30, &table), other(config_of(all_rows, full), copies, 30, &copies);
  CHECK(one.rows == 153);
  CHECK(other.rows == 229);
  for (std::size_t d = 0; d < 2; ++d) {
    CHECK(one.schema.columns[d].loc == doctest::Approx(other.schema.columns[d].loc).epsilon(1e-14));
    CHECK(one.schema.columns[d].scale == doctest::Approx(other.schema.columns[d].scale).epsilon(1e-14));
  }
  CHECK(distance(one.losses, other.losses) < 1e-6);
  CHECK(distance(one.weights, other.weights) < 1e-6);
  CHECK(one.validation == doctest::Approx(other.validation).epsilon(1e-9));
  // It is not nothing that they do.
  const data::Dataset plain = test::banana(230);
  CHECK(distance(one.weights, Trained(config_of(all_rows, full), plain, 30).weights) > 1e-3);
}

TEST_CASE("weights: of 1 change no bit, of any other number only the last ones") {
  const std::string train = R"("batch_size": 64)", split = R"("validation": 0.2)";
  const Trained plain(config_of(split, train), test::banana(330), 20);
  const Trained ones(config_of(split + R"(, "weight": "w")", train), weighted(std::vector<double>(330, 1.0)), 20);
  CHECK(ones.weights == plain.weights);
  CHECK(ones.losses == plain.losses);
  CHECK(ones.validation == plain.validation);
  CHECK(ones.schema.columns[1].scale == plain.schema.columns[1].scale);
  CHECK(ones.fingerprint != plain.fingerprint);
  const Trained tenths(config_of(split + R"(, "weight": "w")", train), weighted(std::vector<double>(330, 0.1)), 20);
  CHECK(distance(tenths.weights, plain.weights) < 1e-9);
}

TEST_CASE("weights: what cannot be one") {
  const std::vector<std::string> names = {"a", "b", "w"};
  const auto split = [&](std::vector<double> weights) {
    const training::Plan plan = training::read_plan(config_of(by_weight, full), "c", names);
    (void)training::split(plan.flow, weighted(std::move(weights)), nullptr);
  };
  CHECK(thrown<core::DataError>([&] { split({1, 2, -0.5}); }) == "banana: expected weights of at least 0, got w = -0.5 in row 3");
  CHECK(thrown<core::DataError>([&] { split({0, 0}); }) == "banana: expected a weight above 0, got none in column \"w\"");
  CHECK(thrown<core::DataError>([&] { split({0, 1, 0}); }) == "banana: expected at least 2 rows to train on, got 1");
  const auto check = [&](const std::string& data) { (void)training::check(config_of(data, full), "c", nullptr, 1); };
  CHECK(thrown<core::ConfigError>([&] { check(R"("columns": ["a", "w"], "weight": "w")"); }) ==
        "/data/weight: \"w\" is modelled or given too; a weight is neither");
  CHECK(thrown<core::ConfigError>([&] { check(R"("columns": ["a"], "weight": 3)"); }).starts_with("/data/weight: expected "));
  CHECK(thrown<core::ConfigError>([&] {
          check(R"("columns": ["a"], "weight": "")");
        }).starts_with("/data/weight: expected a column's name"));
  const training::Plan plan = training::read_plan(config_of(by_weight, full), "c", names);
  CHECK(plan.flow.columns == std::vector<std::string>{"a", "b"});
  CHECK(thrown<core::ConfigError>([&] {
          check(R"("columns": [{"name": "a", "preprocess": "whiten"}], "missing": "marginalize")");
        }).starts_with("/data/missing: \"whiten\""));
  CHECK(thrown<core::ConfigError>([&] { check(R"("columns": ["a"], "missing": "dorp")"); }).find("did you mean \"drop\"") !=
        std::string::npos);
}
