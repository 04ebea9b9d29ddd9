// batch_norm in a training: running statistics of each step, exact ones in what is saved, and the same bytes for any thread count and interruption.
#include <doctest/doctest.h>

#include <cmath>

#include "../core/scratch.h"
#include "core/file.h"
#include "fixture.h"
#include "flow/archive.h"
#include "flow/model.h"
#include "training/prepare.h"
#include "training/trainer.h"

using namespace flowfit;
using test::Scratch;
using test::StopAfter;

namespace {

// The batch_norm next to the base gets what a coupling has moved; the one next to the data gets the preprocessed rows.
std::string settings_of(const std::string& train, const std::string& validation = "0.2", const std::string& dtype = "float32") {
  return R"({"data": {"validation": )" + validation +
         R"(}, "flow": [{"type": "batch_norm", "affine": false}, {"type": "qr_linear"},
    {"type": "coupling", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}, {"type": "batch_norm", "momentum": 0.5}],
    "train": {"dtype": ")" +
         dtype + R"(", )" + train + "}}";
}

training::Request request(const std::string& text, const std::string& directory) {
  training::Request r = test::banana_request("", directory);
  r.config = text;
  return r;
}

training::Summary run(const training::Request& r, int stop_after = -1) {
  StopAfter observer(stop_after);
  return training::train(r, observer);
}

std::vector<double> tensor(const std::string& file, const std::string& name) {
  const flow::Archive archive = flow::read_archive(core::read_file(file), file);
  const flow::Tensor* found = archive.find(name);
  REQUIRE(found);
  return flow::tensor_values<double>(*found, file);
}

const std::string mini =
    R"("steps": 40, "batch_size": 50, "evaluate_every": 6, "ema": 0.8, "jitter": 0.05, "optimizer": {"type": "adamw", "learning_rate": 0.01})";

}  // namespace

TEST_CASE("statistics: the model's bytes do not depend on threads or interruptions") {
  for (const char* validation : {"0.2", "0"}) {
    const Scratch scratch;
    const training::Summary whole = run(request(settings_of(mini, validation), scratch.path("whole")));
    const std::string bytes = scratch.read("whole/model.safetensors");
    for (const int threads : {2, 3}) {
      training::Request r = request(settings_of(mini, validation), scratch.path("threads" + std::to_string(threads)));
      r.threads = threads;
      CHECK(run(r).train_nll == whole.train_nll);
      CHECK((scratch.read("threads" + std::to_string(threads) + "/model.safetensors") == bytes));
    }
    training::Request r = request(settings_of(mini, validation), scratch.path("parts"));
    r.resume = true;
    for (const int steps : {1, 5, 9}) {
      CHECK(run(r, steps).stopped == "interrupted");
      r.threads = 1 + r.threads % 3;
    }
    CHECK(run(r).train_nll == whole.train_nll);
    CHECK((scratch.read("parts/model.safetensors") == bytes));
  }
}

TEST_CASE("statistics: what is saved has the exact statistics of all training rows, with validation and without") {
  for (const char* validation : {"0", "0.2"}) {
    const Scratch scratch;
    const std::string text = settings_of(
        R"("steps": 40, "batch_size": 50, "evaluate_every": 6, "optimizer": {"learning_rate": 0.02})", validation, "float64");
    const training::Request r = request(text, scratch.path("run"));
    const training::Summary summary = run(r);
    // The rows that trained, as they leave the layer next to the base: it standardizes them.
    const training::Plan plan = training::read_plan(r.config, "c", r.data.names);
    const training::Part rows = training::split(plan.flow, r.data, nullptr).train;
    const auto model = flow::load_model(scratch.path("run"));
    core::ThreadPool pool(1);
    std::vector<double> log_det(rows.count());
    const data::Columns z = model->encode(rows.x(), {}, log_det, pool);
    const std::string file = scratch.path("run/model.safetensors");
    const std::vector<double> inner = tensor(file, "flow.0.running_variance"), outer = tensor(file, "flow.3.running_variance");
    for (std::size_t d = 0; d < 2; ++d) {
      double mean = 0, square = 0;
      for (const double v : z[d]) {
        mean += v;
        square += v * v;
      }
      const double n = static_cast<double>(rows.count());
      CHECK(std::abs(mean / n) < 1e-12);
      CHECK(square / n == doctest::Approx(inner[d] / (inner[d] + 1e-5)).epsilon(1e-10));
      CHECK(outer[d] == doctest::Approx(1).epsilon(1e-10));  // the preprocessing standardizes
      CHECK(std::abs(inner[d] - 1) > 1e-3);
    }
    // The newest weights keep the running ones, which a resume needs; the file's score is the one that the weights were chosen by.
    CHECK(tensor(scratch.path("run/last.safetensors"), "flow.0.running_variance") != inner);
    if (!summary.validation_nll) continue;
    const std::string metrics = scratch.read("run/metrics.jsonl");
    const std::size_t at = metrics.find("{\"step\":" + std::to_string(summary.best_step) + ",");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(metrics.substr(metrics.find("\"validation_nll\":", at) + 17)) ==
          doctest::Approx(*summary.validation_nll).epsilon(1e-12));
  }
}

TEST_CASE(
    "statistics: a step moves them by the batch, whatever its blocks, and neither optimizer nor weight decay touches them") {
  const training::Plan plan = training::read_plan(
      settings_of(R"("batch_size": "full", "optimizer": {"type": "adamw", "learning_rate": 1e-9, "weight_decay": 0.9})", "0.2",
                  "float64"),
      "c", std::vector<std::string>{"a", "b"});
  core::ThreadPool pool(2);
  const auto model = training::fresh_model<double>(plan);
  const data::Dataset table = test::banana(333);
  const training::Parts parts = training::split(plan.flow, table, nullptr);  // 266 rows: the last block is padded
  model->set_schema(training::fit_schema(plan, parts));
  const auto rows = training::encoded<double>(model->schema(), parts.train, 0);
  training::Trainer<double> trainer(*model, plan.training, rows, {}, pool);
  const auto at = [&](const std::string& name) {
    for (const nn::Parameter& p : model->layout().parameters())
      if (p.name == name) return model->weights().data() + p.offset;
    FAIL("no tensor " << name);
    return model->weights().data();
  };
  // Preprocessed rows have mean 0 and variance 1 (padded rows would show); momentum 0.5, so what is off is halved by each step.
  at("flow.3.running_mean")[0] = 0.25;
  at("flow.3.running_variance")[1] = 3;
  (void)trainer.step();
  CHECK(at("flow.3.running_mean")[0] == doctest::Approx(0.125).epsilon(1e-12));
  CHECK(at("flow.3.running_variance")[0] == doctest::Approx(1 + 0.25 * 0.0625).epsilon(1e-12));
  CHECK(at("flow.3.running_variance")[1] == doctest::Approx(2).epsilon(1e-12));
  (void)trainer.step();
  CHECK(at("flow.3.running_mean")[0] == doctest::Approx(0.0625).epsilon(1e-12));
  CHECK(at("flow.3.running_variance")[1] == doctest::Approx(1.5).epsilon(1e-12));
}
