// Whole trainings in a folder: the same bytes for any number of threads and for any interruption, and what is refused.
#include "training/train.h"

#include <doctest/doctest.h>

#include "../core/scratch.h"
#include "core/error.h"
#include "fixture.h"
#include "flow/model.h"

using namespace flowfit;
using test::banana_request;
using test::Scratch;
using test::StopAfter;
using test::thrown;

namespace {

const std::string everything =
    R"("steps": 60, "batch_size": 100, "evaluate_every": 7, "ema": 0.9, "jitter": 0.05, "gradient_clip": 5, "optimizer": {"type": "adamw", "learning_rate": 0.01}, "schedule": {"type": "cosine", "warmup": 5})";

training::Summary run(const training::Request& request, int stop_after = -1) {
  StopAfter observer(stop_after);
  return training::train(request, observer);
}

/// Row 124 is so far out that its score overflows.
training::Request with_a_far_row(int members, const std::string& directory) {
  training::Request request = banana_request("", directory);
  request.config = "{\"ensemble\": " + std::to_string(members) + R"(, "data": {"preprocess": "none", "validation": 0},
    "flow": [{"type": "permutation"}, {"type": "elementwise", "univariate": {"type": "affine", "scale": "exp"}}],
    "train": {"steps": 100, "evaluate_every": 1, "batch_size": 4, "gradient_clip": 1, "optimizer": {"learning_rate": 0.3}}})";
  for (std::vector<double>& column : request.data.columns)
    for (double& value : column) value *= 0.01;
  request.data.columns[0][123] = 1e19;
  return request;
}

}  // namespace

TEST_CASE("train: the model's bytes do not depend on threads or interruptions") {
  const Scratch scratch;
  const training::Summary whole = run(banana_request(everything, scratch.path("whole")));
  CHECK(whole.steps == 60);
  CHECK(whole.rows == 264);
  CHECK(whole.validation_rows == 66);
  CHECK(whole.stopped == "steps");
  const std::string bytes = scratch.read("whole/model.safetensors");
  REQUIRE(bytes.size() > 1000);
  for (const int threads : {2, 3}) {
    training::Request request = banana_request(everything, scratch.path("threads" + std::to_string(threads)));
    request.threads = threads;
    CHECK(run(request).train_nll == whole.train_nll);
    CHECK((scratch.read("threads" + std::to_string(threads) + "/model.safetensors") == bytes));
  }
  // Stopped at a different place each time, also on an evaluation (7, 14, …) and inside an epoch (3 steps).
  training::Request request = banana_request(everything, scratch.path("parts"));
  request.resume = true;
  for (const int steps : {1, 6, 4, 13, 20}) {
    const training::Summary part = run(request, steps);
    CHECK(part.stopped == "interrupted");
    CHECK((scratch.read("parts/model.safetensors") != bytes));
    request.threads = 1 + request.threads % 3;
  }
  const training::Summary last = run(request);
  CHECK(last.stopped == "steps");
  CHECK(last.train_nll == whole.train_nll);
  CHECK((scratch.read("parts/model.safetensors") == bytes));
  // The evaluations are all there, once.
  const auto without_seconds = [](const std::string& text) {
    std::string kept;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at), cut = text.find(",\"seconds\"", at);
      kept += text.substr(at, std::min(end, cut) - at) + "\n";
      at = end + 1;
    }
    return kept;
  };
  const std::string metrics = without_seconds(scratch.read("whole/metrics.jsonl"));
  CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 9);  // 7, 14, … 56 and 60
  CHECK(without_seconds(scratch.read("parts/metrics.jsonl")) == metrics);
}

TEST_CASE("train: a finished run is left alone; more steps go on; another config or other data are refused") {
  const Scratch scratch;
  training::Request request = banana_request(R"("steps": 10)", scratch.path("run"));
  const training::Summary first = run(request);
  const std::string bytes = scratch.read("run/model.safetensors"), last = scratch.read("run/last.safetensors");
  CHECK(thrown<core::ConfigError>([&] { run(request); }).find("--resume") != std::string::npos);
  request.resume = true;
  const training::Summary again = run(request);
  CHECK(again.json() == first.json());
  CHECK((scratch.read("run/last.safetensors") == last));

  training::Request other = request;
  other.config = test::banana_config(R"("steps": 10, "jitter": 0.5)");
  CHECK(thrown<core::ConfigError>([&] { run(other); }).starts_with("/train/jitter: "));
  other = request;
  other.data.columns[0][3] += 1e-9;
  CHECK(thrown<core::DataError>([&] { run(other); }).starts_with("banana: expected the data that the run"));
  CHECK((scratch.read("run/model.safetensors") == bytes));

  request.config = test::banana_config(R"("steps": 15)");
  const training::Summary more = run(request);
  CHECK(more.steps == 15);
  CHECK((scratch.read("run/model.safetensors") != bytes));
  request.resume = false;
  request.force = true;
  request.config = test::banana_config(R"("steps": 10)");
  run(request);
  CHECK((scratch.read("run/model.safetensors") == bytes));
}

TEST_CASE("train: a failure before the first checkpoint leaves no file and no folder") {
  const Scratch scratch;
  const std::string folder = scratch.path("a/b/run");
  training::Request request = banana_request(R"("steps": 10, "stepz": 3)", folder);
  CHECK(thrown<core::ConfigError>([&] { run(request); }) == "/train/stepz: unknown key; did you mean \"steps\"?");
  request.config = test::banana_config(R"("steps": 10)");
  request.data.columns[1].assign(request.data.rows(), 2.0);
  CHECK(thrown<core::DataError>([&] { run(request); }).find("constant") != std::string::npos);
  CHECK(scratch.files() == 0);
  request = banana_request("", folder);
  request.config = R"({"data": {"preprocess": "none"}, "flow": [{"type": "exp"}]})";
  const std::string outside = thrown<core::DataError>([&] { run(request); });
  CHECK(outside.starts_with("banana: expected rows inside the support of the flow, got a = "));
  CHECK(scratch.files() == 0);
}

TEST_CASE("train: two trainings cannot share a folder") {
  const Scratch scratch;
  class Inner : public training::Observer {
   public:
    explicit Inner(const std::string& folder) : folder_(folder) {}
    void progress(const training::Progress&) override {
      if (message.empty())
        message = thrown<core::ConfigError>([&] {
          Observer quiet;
          training::train(banana_request(R"("steps": 2)", folder_), quiet);
        });
    }
    std::string message;

   private:
    std::string folder_;
  } observer(scratch.path("run"));
  training::train(banana_request(R"("steps": 5)", scratch.path("run")), observer);
  CHECK(observer.message.find("another training writes into this folder") != std::string::npos);
}

TEST_CASE("train: divergence goes back, halves the rate, and ends with the best model kept") {
  const Scratch scratch;
  StopAfter observer(-1);
  training::Request request = banana_request(
      R"("steps": 200, "evaluate_every": 1, "batch_size": "full", "optimizer": {"learning_rate": 1e37})", scratch.path("run"));
  const std::string message = thrown<core::DivergedError>([&] { training::train(request, observer); });
  CHECK(message.find("tries at half the rate") != std::string::npos);
  std::size_t rollbacks = 0;
  for (const std::string& notice : observer.notices) rollbacks += notice.find("back to step") != std::string::npos;
  CHECK(rollbacks >= 3);
  // Whatever was evaluated before is there and loads.
  if (message.find("is kept in") != std::string::npos) CHECK(flow::load_model(scratch.path("run")) != nullptr);
}

TEST_CASE("train: a row that overflows is named with its layer, and the model before it is kept without validation too") {
  const Scratch scratch;
  training::Request request = with_a_far_row(1, scratch.path("run"));
  StopAfter observer(-1);
  const std::string message = thrown<core::DivergedError>([&] { training::train(request, observer); });
  CHECK(message.find("got no finite score at base for a = 1e+19, b = ") != std::string::npos);
  CHECK(message.find("(row 124 of the training part)") != std::string::npos);
  CHECK(message.find("is kept in ") != std::string::npos);
  CHECK(flow::load_model(scratch.path("run")) != nullptr);
  request.resume = true;
  CHECK(thrown<core::DivergedError>([&] { training::train(request, observer); }).find("row 124") != std::string::npos);
}

TEST_CASE("train: a flow without parameters is resumed like any other") {
  const Scratch scratch;
  training::Request request = banana_request("", scratch.path("run"));
  request.config = R"({"flow": [{"type": "permutation"}], "train": {"steps": 20, "evaluate_every": 5}})";
  const training::Summary whole = run(request);
  request.directory = scratch.path("parts");
  request.resume = true;
  CHECK(run(request, 3).stopped == "interrupted");
  CHECK(run(request).train_nll == whole.train_nll);
  CHECK((scratch.read("parts/model.safetensors") == scratch.read("run/model.safetensors")));
}

TEST_CASE("train: an ensemble that diverges names the member, and the model before it is kept") {
  const Scratch scratch;
  training::Request request = with_a_far_row(2, scratch.path("run"));
  StopAfter observer(-1);
  const std::string message = thrown<core::DivergedError>([&] { training::train(request, observer); });
  CHECK(message.find("got no finite score at members.") != std::string::npos);
  CHECK(message.find(".base for a = 1e+19, b = ") != std::string::npos);
  CHECK(message.find("(row 124 of the training part)") != std::string::npos);
  REQUIRE(message.find("is kept in ") != std::string::npos);
  CHECK(flow::load_model(scratch.path("run"))->traits().members == 2);
}

TEST_CASE("train: patience stops, and the saved weights are the best ones") {
  const Scratch scratch;
  training::Request request = banana_request(
      R"("steps": 5000, "evaluate_every": 2, "patience": 3, "batch_size": 32, "optimizer": {"learning_rate": 0.02})",
      scratch.path("run"));
  const training::Summary summary = run(request);
  CHECK(summary.stopped == "patience");
  CHECK(summary.best_step == summary.steps - 2 * 3);
  const std::string metrics = scratch.read("run/metrics.jsonl");
  const std::string best = "{\"step\":" + std::to_string(summary.best_step) + ",";
  const std::size_t at = metrics.find(best);
  REQUIRE(at != std::string::npos);
  const double nll = std::stod(metrics.substr(metrics.find("\"validation_nll\":", at) + 17));
  CHECK(nll == doctest::Approx(*summary.validation_nll).epsilon(1e-12));
  // The model file scores the validation rows as the summary says: the rows are those that no training row equals.
  const auto model = flow::load_model(scratch.path("run"));
  core::ThreadPool pool(1);
  const data::Dataset table = test::banana(330);
  std::vector<double> scores(330);
  model->log_prob(table.columns, {}, scores, pool);
  double sum = 0;
  for (const double score : scores) sum -= score;
  CHECK(sum / 330 == doctest::Approx((264 * summary.train_nll + 66 * *summary.validation_nll) / 330).epsilon(1e-6));
}
