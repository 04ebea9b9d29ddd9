// The training step: no heap allocation once warm, lanes that add up, Adam and AdamW against their formulas.
#include "training/trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fixture.h"
#include "support/allocations.h"
#include "training/prepare.h"

using namespace flowfit;

namespace {

struct Small {
  explicit Small(const std::string& train, const std::string& dropout = "0.1", int threads = 1)
      : Small(threads, test::banana_config(train, dropout)) {}
  Small(int threads, const std::string& config)
      : plan(training::read_plan(config, "c", std::vector<std::string>{"a", "b"})),
        pool(threads),
        model(training::fresh_model<double>(plan)) {
    parts = training::split(plan.flow, table, nullptr);
    model->set_schema(training::fit_schema(plan, parts));
    rows = training::encoded<double>(model->schema(), parts.train, 0);
    held_out = training::encoded<double>(model->schema(), parts.validation, 0);
    trainer = std::make_unique<training::Trainer<double>>(*model, plan.training, rows, held_out, pool);
  }
  training::Plan plan;
  core::ThreadPool pool;
  std::unique_ptr<flow::TypedModel<double>> model;
  data::Dataset table = test::banana(330);
  training::Parts parts;
  training::Rows<double> rows, held_out;
  std::unique_ptr<training::Trainer<double>> trainer;
};

}  // namespace

TEST_CASE("trainer: a warm step makes no heap allocation") {
  if (!test::counts_allocations()) return;
  for (const int threads : {1, 2}) {
    Small small(R"("batch_size": 100, "ema": 0.9, "jitter": 0.1, "gradient_clip": 1, "optimizer": {"type": "adamw"})", "0.2",
                threads);
    // Two epochs: the last batch of each is smaller, and every lane has met its largest block.
    for (int i = 0; i < 6; ++i) (void)small.trainer->step();
    const std::size_t before = test::allocations();
    for (int i = 0; i < 9; ++i) (void)small.trainer->step();
    CHECK(test::allocations() == before);
  }
}

TEST_CASE("trainer: the mean loss and gradient of a step are those of the batch, whatever its blocks") {
  // 264 rows in several blocks, the last of them padded: a padded row must count for nothing.
  Small small(R"("batch_size": "full", "optimizer": {"learning_rate": 1e-3})", "0");
  const double before = small.trainer->nll(small.rows, small.model->weights());
  const training::StepResult<double> result = small.trainer->step();
  CHECK(result.nll == doctest::Approx(before).epsilon(1e-12));
  CHECK(result.norm > 0);
  CHECK(small.trainer->nll(small.rows, small.model->weights()) < before);
}

TEST_CASE("trainer: a row that leaves the numbers is named once, with the layer and the member it does so in") {
  const std::string flow =
      R"("flow": [{"type": "elementwise", "univariate": {"type": "affine"}}], "train": {"batch_size": "full"})";
  for (const int members : {1, 3}) {
    Small small(1, "{\"ensemble\": " + std::to_string(members) + ", " + flow + "}");
    small.rows.x[200] = 1e200;  // its square is infinite, under every member
    const std::vector<double> start = small.model->weights();
    CHECK_FALSE(std::isfinite(small.trainer->step().nll));
    CHECK(small.model->weights() == start);
    const training::Cause cause = small.trainer->cause();
    CHECK(cause.rows == std::vector<std::uint32_t>{200});
    CHECK(cause.where == std::string(members == 1 ? "base" : "members.0.base"));
    CHECK_FALSE(cause.backward);
    // A weight that is no number, in the last member alone: its rows are all of them.
    small.rows.x[200] = 0;
    const auto last = static_cast<std::size_t>(small.model->layout().parameters().back().offset);
    small.model->weights()[last] = std::numeric_limits<double>::quiet_NaN();
    const training::Cause weight = small.trainer->cause();
    CHECK(weight.rows.size() == small.rows.count);
    CHECK(weight.where == std::string(members == 1 ? "flow.0" : "members.2.flow.0"));
  }
}

TEST_CASE("trainer: a step moves the weights by Adam's formula") {
  for (const bool decoupled : {false, true}) {
    const std::string type = decoupled ? "adamw" : "adam";
    Small small(R"("batch_size": "full", "optimizer": {"type": ")" + type + R"(", "learning_rate": 0.01, "weight_decay": 0.5})",
                "0");
    const std::vector<double> start = small.model->weights();
    // The gradient by differences of the loss; a weight matrix decays, the rest does not.
    const auto loss = [&](const std::vector<double>& weights) { return small.trainer->nll(small.rows, weights); };
    (void)small.trainer->step();
    const std::vector<double> moved = small.model->weights();
    int checked = 0;
    for (const nn::Parameter& p : small.model->layout().parameters()) {
      for (const nn::Index entry : {p.size / 4, p.size / 2, p.size - 1}) {
        const auto at = static_cast<std::size_t>(p.offset + entry);
        const bool masked = !p.prefix.empty() && entry % p.shape[1] >= p.prefix[static_cast<std::size_t>(entry / p.shape[1])];
        if (masked) continue;
        std::vector<double> up = start, down = start;
        constexpr double h = 1e-5;
        up[at] += h;
        down[at] -= h;
        double gradient = (loss(up) - loss(down)) / (2 * h);
        double expected = start[at];
        if (p.decays && decoupled) expected -= 0.01 * 0.5 * start[at];
        if (p.decays && !decoupled) gradient += 0.5 * start[at];
        if (std::abs(gradient) < 1e-3) continue;  // the first step has the size of the rate: its sign must be certain
        expected -= 0.01 * gradient / (std::abs(gradient) + 1e-8);
        CHECK_MESSAGE(moved[at] == doctest::Approx(expected).epsilon(1e-6), p.name);
        ++checked;
      }
    }
    CHECK(checked >= 6);
  }
}

TEST_CASE("trainer: the average of the weights follows its recursion") {
  Small small(R"("batch_size": 100, "ema": 0.5)", "0");
  std::vector<double> average = small.model->weights();
  for (int step = 0; step < 4; ++step) {
    (void)small.trainer->step();
    const double keep = std::min(0.5, (1.0 + step) / (10.0 + step));
    for (std::size_t i = 0; i < average.size(); ++i) average[i] = keep * average[i] + (1 - keep) * small.model->weights()[i];
  }
  for (std::size_t i = 0; i < average.size(); ++i) CHECK(small.trainer->state().average[i] == doctest::Approx(average[i]));
  small.trainer->evaluate();
  CHECK(small.trainer->saved() == small.trainer->state().average);
}

TEST_CASE("settings: learning rates of the schedules") {
  const auto settings = [](const std::string& train) {
    return training::read_plan(test::banana_config(train), "c", std::vector<std::string>{"a", "b"}).training;
  };
  const training::Settings constant = settings(R"("steps": 10)");
  CHECK(constant.learning_rate(0) == 1e-3);
  CHECK(constant.learning_rate(9) == 1e-3);
  const training::Settings cosine =
      settings(R"("steps": 11, "optimizer": {"learning_rate": 2}, "schedule": {"type": "cosine", "final": 0.25})");
  CHECK(cosine.learning_rate(0) == doctest::Approx(2));
  CHECK(cosine.learning_rate(5) == doctest::Approx(2 * 0.625));
  CHECK(cosine.learning_rate(10) == doctest::Approx(0.5));
  const training::Settings step = settings(
      R"("steps": 100, "optimizer": {"learning_rate": 8}, "schedule": {"type": "step", "every": 10, "factor": 0.5, "warmup": 4})");
  CHECK(step.learning_rate(0) == doctest::Approx(2));
  CHECK(step.learning_rate(3) == doctest::Approx(8));
  CHECK(step.learning_rate(9) == doctest::Approx(8));
  CHECK(step.learning_rate(10) == doctest::Approx(4));
  CHECK(step.learning_rate(35) == doctest::Approx(1));
}

TEST_CASE("prepare: the split takes each row once, by the seed alone") {
  Small small(R"("seed": 3)");
  std::vector<double> all = small.parts.train.x()[0];
  const std::vector<double> held = small.parts.validation.x()[0];
  all.insert(all.end(), held.begin(), held.end());
  std::vector<double> source = test::banana(330).columns[0];
  std::ranges::sort(all);
  std::ranges::sort(source);
  CHECK(all == source);
  CHECK(small.parts.validation.x()[0] == Small(R"("seed": 3)").parts.validation.x()[0]);
  CHECK(small.parts.validation.x()[0] != Small(R"("seed": 4)").parts.validation.x()[0]);
}

TEST_CASE("prepare: remarks name ties, doubled columns and outliers, and are silent otherwise") {
  data::Dataset table = test::banana(200);
  std::vector<data::ColumnSpec> specs;
  for (const std::string& name : table.names) specs.push_back({.name = name});
  CHECK(training::remarks(table.columns, specs).empty());
  table.columns[1][7] = 1e6;
  CHECK(training::remarks(table.columns, specs).size() == 1);
  table.columns[1] = table.columns[0];
  const auto doubled = training::remarks(table.columns, specs);
  REQUIRE(doubled.size() == 1);
  CHECK(doubled[0].starts_with("column \"b\" equals column \"a\""));
  for (double& x : table.columns[0]) x = std::floor(x);
  CHECK(training::remarks(table.columns, specs).size() == 1);
  specs[0].kind = data::Kind::integer;  // where ties are no fault
  CHECK(training::remarks(table.columns, specs).empty());
}
