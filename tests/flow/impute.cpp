// Missing cells: exact draws where no column that is there looks at a missing one, candidates elsewhere.
#include "flow/impute.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "../core/scratch.h"
#include "core/error.h"
#include "training/prepare.h"

using namespace flowfit;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// b = 0.8·a + 0.6·ε in standard units, exactly: an autoregressive shift that knows nothing but its weights.
std::unique_ptr<flow::TypedModel<double>> line(bool with_baseline) {
  const training::Plan plan = training::read_plan(
      R"({"data": {"columns": ["a", "b"]}, "flow": [{"type": "affine_fixed", "scale": [1, 0.6]},
          {"type": "autoregressive", "univariate": {"type": "shift"}, "net": {"hidden": []}}], "train": {"dtype": "float64"}})",
      "line", {});
  auto model = training::fresh_model<double>(plan);
  data::Schema schema;
  schema.columns = {{"a", 10.0, 2.0}, {"b", -5.0, 3.0}};
  model->set_schema(schema);
  std::ranges::fill(model->weights(), 0.0);
  for (const nn::Parameter& p : model->layout().parameters())
    if (p.prefix.size() == 2) model->weights()[static_cast<std::size_t>(p.offset + 2)] = 0.8;  // b's shift by a
  if (with_baseline) {
    core::ThreadPool pool(1);
    data::Columns rows = model->sample(1, 0, 2000, {}, pool);
    const data::Columns none;
    schema.encode(rows);
    flow::Reference reference;
    flow::fit_baselines(reference, {rows, none, 2000}, {rows, none, 2000}, 1, pool);
    model->set_reference(reference);
  }
  return model;
}

struct Spread {
  double mean, deviation;
};
Spread spread(const std::vector<double>& v) {
  const double n = static_cast<double>(v.size()), mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
  double squares = 0;
  for (const double x : v) squares += (x - mean) * (x - mean) / n;
  return {mean, std::sqrt(squares)};
}

}  // namespace

TEST_CASE("impute: exact draws of b given a, and weighed candidates of a given b, follow the normal's regressions") {
  const auto model = line(true);
  core::ThreadPool pool(2);
  constexpr std::size_t n = 4000;
  REQUIRE(model->traits().conditionals.looks == std::vector<std::vector<int>>{{}, {0}});
  data::Columns rows{std::vector<double>(n, 12.0), std::vector<double>(n, missing)};
  flow::Imputed told = flow::impute(*model, rows, {}, 0, 1, 50, pool);
  CHECK(told.exact_rows == n);
  CHECK(told.cells == n);
  CHECK(rows[0] == std::vector<double>(n, 12.0));
  Spread b = spread(rows[1]);  // a is one deviation up: b's mean 0.8, deviation 0.6
  CHECK(std::abs(b.mean - (-5 + 3 * 0.8)) < 4 * 1.8 / std::sqrt(double(n)));
  CHECK(b.deviation == doctest::Approx(1.8).epsilon(0.05));

  rows = {std::vector<double>(n, missing), std::vector<double>(n, -2.0)};
  told = flow::impute(*model, rows, {}, 0, 1, 50, pool);
  CHECK(told.resampled_rows == n);
  CHECK(told.effective_least > 3);
  CHECK(told.effective_sum / double(n) < 50);
  const Spread a = spread(rows[0]);
  CHECK(std::abs(a.mean - (10 + 2 * 0.8)) < 4 * 1.2 / std::sqrt(double(n)));
  CHECK(a.deviation == doctest::Approx(1.2).epsilon(0.05));

  // All of a row: a draw of the whole density.
  rows = {std::vector<double>(n, missing), std::vector<double>(n, missing)};
  told = flow::impute(*model, rows, {}, 0, 1, 50, pool);
  CHECK(told.exact_rows == n);
  double together = 0;
  for (std::size_t i = 0; i < n; ++i) together += (rows[0][i] - 10) / 2 * (rows[1][i] + 5) / 3 / double(n);
  CHECK(together == doctest::Approx(0.8).epsilon(0.08));
}

TEST_CASE("impute: a row's draws are those of its number; without a baseline there are no candidates") {
  const auto model = line(true);
  core::ThreadPool pool(2), one(1);
  data::Columns rows{{missing, 9, missing, 11, missing}, {-5, missing, missing, -4, -5}},
      tail{{missing, 11, missing}, {missing, -4, -5}};
  (void)flow::impute(*model, rows, {}, 0, 3, 20, pool);
  (void)flow::impute(*model, tail, {}, 2, 3, 20, one);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t d = 0; d < 2; ++d) CHECK(tail[d][i] == rows[d][i + 2]);
  CHECK(rows[0][0] != rows[0][4]);
  const auto bare = line(false);
  data::Columns exact{{9}, {missing}}, other{{missing}, {-4}};
  CHECK(flow::impute(*bare, exact, {}, 0, 1, 20, one).exact_rows == 1);
  CHECK(test::thrown<core::ConfigError>([&] { (void)flow::impute(*bare, other, {}, 0, 1, 20, one); }).find("no baseline") !=
        std::string::npos);
}
