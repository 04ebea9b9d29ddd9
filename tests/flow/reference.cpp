// Baselines: their scores, given some of the columns too; how many components; what a file may hold of them.
#include "flow/reference.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "../core/scratch.h"
#include "core/error.h"
#include "core/random.h"
#include "fixture.h"

using namespace flowfit;
using test::small_model;
using test::thrown;

namespace {

/// Two clouds on a line, and a second column that follows the first one.
data::Columns clouds(std::size_t n, std::uint32_t epoch) {
  data::Columns columns(2, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    double z[2];
    core::RandomKey{3, core::Purpose::check, epoch}.normals(i, z);
    columns[0][i] = (i % 3 == 0 ? -4 : 3) + z[0];
    columns[1][i] = 2 * columns[0][i] + 0.5 * z[1];
  }
  return columns;
}

double log_normal(double x, double mean, double variance) {
  return -0.5 * (std::log(2 * std::numbers::pi * variance) + (x - mean) * (x - mean) / variance);
}

double mean(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

}  // namespace

TEST_CASE("reference: the normal is the least-squares line where a column is given, and the mixture finds the clouds") {
  constexpr std::size_t n = 600;
  const data::Columns rows = clouds(n, 1), fresh = clouds(n, 2), none;
  core::ThreadPool pool(2), one(1);
  flow::Reference joint;
  flow::fit_baselines(joint, {rows, none, n}, {fresh, none, n}, 1, pool);
  std::vector<double> scores(n), again(n);
  joint.mixture.log_prob(fresh, none, scores, pool);
  joint.mixture.log_prob(fresh, none, again, one);
  CHECK(scores == again);
  CHECK(joint.mixture.mean_log_prob({fresh, none, n}, pool) == doctest::Approx(mean(scores)));
  CHECK(joint.mixture.logits.size() >= 2);
  CHECK(mean(scores) > joint.gaussian.mean_log_prob({fresh, none, n}, pool) + 0.3);

  // y given x: the maximum-likelihood normal is the regression line with the variance of its residuals.
  const data::Columns x{rows[0]}, y{rows[1]}, fresh_x{fresh[0]}, fresh_y{fresh[1]};
  flow::Reference given;
  flow::fit_baselines(given, {y, x, n}, {fresh_y, fresh_x, n}, 1, pool);
  given.gaussian.log_prob(fresh_y, fresh_x, scores, pool);
  const double mx = mean(x[0]), my = mean(y[0]);
  double xx = 0, xy = 0, residual = 0;
  for (std::size_t i = 0; i < n; ++i) {
    xx += (x[0][i] - mx) * (x[0][i] - mx);
    xy += (x[0][i] - mx) * (y[0][i] - my);
  }
  for (std::size_t i = 0; i < n; ++i) residual += std::pow(y[0][i] - my - xy / xx * (x[0][i] - mx), 2) / static_cast<double>(n);
  for (std::size_t i = 0; i < n; i += 50)
    CHECK(scores[i] == doctest::Approx(log_normal(fresh_y[0][i], my + xy / xx * (fresh_x[0][i] - mx), residual)).epsilon(1e-9));
  // A joint density less that of the context is a density: the mass over a grid of y.
  data::Columns grid(1), at(1);
  for (double v = -30; v < 30; v += 0.01) {
    grid[0].push_back(v);
    at[0].push_back(2.5);
  }
  std::vector<double> mass(grid[0].size());
  given.mixture.log_prob(grid, at, mass, pool);
  double sum = 0;
  for (const double score : mass) sum += 0.01 * std::exp(score);
  CHECK(sum == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("reference: without a column, the normal is that of the others") {
  constexpr std::size_t n = 300;
  const data::Columns rows = clouds(n, 1), none;
  core::ThreadPool pool(2);
  flow::Reference both, alone;
  flow::fit_baselines(both, {rows, none, n}, {none, none, 0}, 1, pool);
  std::vector<double> scores(n), expected(n);
  for (const std::size_t gone : {0u, 1u}) {
    const data::Columns there{rows[1 - gone]};
    flow::fit_baselines(alone, {there, none, n}, {none, none, 0}, 1, pool);
    alone.gaussian.log_prob(there, none, expected, pool);
    data::Columns gaps = rows;
    for (std::size_t i = 0; i < n; i += 2) gaps[gone][i] = std::nan("");
    both.gaussian.log_prob(gaps, none, scores, pool);
    for (std::size_t i = 0; i < n; i += 2) CHECK(scores[i] == doctest::Approx(expected[i]).epsilon(1e-9));
    both.gaussian.log_prob(rows, none, expected, pool);
    for (std::size_t i = 1; i < n; i += 2) CHECK(scores[i] == doctest::Approx(expected[i]).epsilon(1e-12));
  }
}

TEST_CASE(
    "reference: without validation rows some of the others judge the mixture; few rows allow few components, wide tables have "
    "none") {
  core::ThreadPool pool(1);
  const data::Columns none;
  const auto components = [&](std::size_t n) {
    const data::Columns rows = clouds(n, 1);
    flow::Reference r;
    flow::fit_baselines(r, {rows, none, n}, {none, none, 0}, 1, pool);
    return r.mixture.logits.size();
  };
  CHECK(components(40) == 1);
  CHECK(components(60) == 2);
  CHECK(components(1000) >= 2);
  data::Columns wide(flow::Reference::most_columns + 1, std::vector<double>(5));
  flow::Reference r;
  flow::fit_baselines(r, {wide, none, 5}, {none, none, 0}, 1, pool);
  CHECK(r.gaussian.empty());
}

TEST_CASE("reference: kept in the model file, read back whole, and refused where it does not fit") {
  const auto model = small_model<float>();
  core::ThreadPool pool(1);
  const data::Columns rows = clouds(200, 1), none;
  flow::Reference r;
  flow::fit_baselines(r, {rows, none, 200}, {rows, none, 200}, 1, pool);
  std::vector<double> many(5000);
  core::RandomKey{1, core::Purpose::check}.normals(0, many);
  for (double& score : many) score += 0.5;
  many[7] = -std::numeric_limits<double>::infinity();
  r.keep_scores(many, 1);
  CHECK(r.scores.size() == flow::Reference::most_scores);
  CHECK(std::ranges::is_sorted(r.scores));
  CHECK(mean({r.scores.begin() + 1, r.scores.end()}) == doctest::Approx(0.5).epsilon(0.1));
  model->set_reference(r);
  flow::Archive archive = model->archive();
  const auto back = flow::make_model(flow::read_archive(flow::write_archive(archive), "m"), "m");
  CHECK(back->reference().scores == r.scores);
  CHECK(back->reference().mixture.lower == r.mixture.lower);
  // In data units: the Jacobian of the preprocessing is the flow's too.
  std::vector<double> scores(1), raw(1);
  back->log_prob(back->reference().gaussian, {{1010.0}, {0.0021}}, {}, scores, pool);
  r.gaussian.log_prob({{(1010.0 - 1000) / 25}, {(0.0021 - 0.002) / 1e-4}}, none, raw, pool);
  CHECK(scores[0] == doctest::Approx(raw[0] - std::log(25) - std::log(1e-4)));

  const auto refused = [&](auto change) {
    flow::Archive changed = archive;
    change(changed);
    return thrown<core::ModelError>([&] { (void)flow::make_model(changed, "m"); });
  };
  const auto named = [](flow::Archive& a, const std::string& name) {
    return std::ranges::find(a.tensors, name, &flow::Tensor::name);
  };
  CHECK(refused([&](flow::Archive& a) {
          a.tensors.erase(named(a, "reference.mixture.lower"));
        }).find("reference.mixture.lower") != std::string::npos);
  CHECK(refused([&](flow::Archive& a) { named(a, "reference.gaussian.loc")->name = "reference.gaussian.loo"; }) != "");
  CHECK(refused([&](flow::Archive& a) {
          const double v[] = {1.0};
          a.tensors.push_back(flow::make_tensor<double>("reference.more", {1}, v));
        }).find("no part of a reference") != std::string::npos);
}
