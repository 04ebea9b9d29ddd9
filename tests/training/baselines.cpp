// Baselines: an empty flow on a normal or a mixture starts at, or near, its maximum-likelihood fit.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "../core/scratch.h"
#include "data/dataset.h"
#include "training/train.h"

using namespace flowfit;
using test::Scratch;

namespace {

data::Dataset circles() {
  return data::read_dataset((std::filesystem::path(__FILE__).parent_path() / "../../data/circles.csv").string());
}

double train_nll(const Scratch& scratch, const std::string& base, int steps) {
  training::Request request;
  request.config = R"({"data": {"columns": ["x1", "x2"], "validation": 0}, "base": )" + base +
                   R"(, "flow": [], "train": {"batch_size": "full", "steps": )" + std::to_string(steps) +
                   R"(, "optimizer": {"learning_rate": 1e-3}}})";
  request.config_name = "baseline.json";
  request.data = circles();
  request.directory = scratch.path("run");
  request.force = true;
  training::Observer quiet;
  return training::train(request, quiet).train_nll;
}

}  // namespace

TEST_CASE("baselines: a Gaussian starts at its maximum of the likelihood, and a mixture of 20 beats it") {
  const Scratch scratch;
  // Half the log-determinant of 2πe times the covariance (of standardized columns: a correlation near 0).
  const data::Dataset table = circles();
  double mean[2] = {0, 0}, c[3] = {0, 0, 0};
  const double n = static_cast<double>(table.rows());
  for (std::size_t d = 0; d < 2; ++d)
    for (const double v : table.columns[d]) mean[d] += v / n;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const double a = table.columns[0][i] - mean[0], b = table.columns[1][i] - mean[1];
    c[0] += a * a / n;
    c[1] += a * b / n;
    c[2] += b * b / n;
  }
  const double best = std::log(2 * std::numbers::pi) + 1 + 0.5 * std::log(c[0] * c[2] - c[1] * c[1]);
  CHECK(best == doctest::Approx(2.8377).epsilon(1e-3));
  CHECK(train_nll(scratch, R"({"type": "multivariate_normal"})", 1) == doctest::Approx(best).epsilon(1e-4));
  CHECK(train_nll(scratch, R"({"type": "diagonal_normal"})", 1) < best + 1e-3);
  const double start = train_nll(scratch, R"({"type": "mixture_normal", "components": 20})", 1);
  CHECK(start < 2.1);
  CHECK(train_nll(scratch, R"({"type": "mixture_normal", "components": 20})", 100) < start - 0.005);
}
