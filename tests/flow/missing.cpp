// Scores of rows with missing cells: the integral over what is missing, and a refusal where there is no such number in closed form.
#include "flow/missing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../core/scratch.h"
#include "core/error.h"
#include "support/statistics.h"
#include "training/prepare.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

const double gap = std::nan("");

std::unique_ptr<flow::TypedModel<double>> model_of(const std::string& columns, const std::string& rest,
                                                   const std::string& missing = "marginalize") {
  const training::Plan plan = training::read_plan(R"({"data": {"missing": ")" + missing + R"(", "columns": [)" + columns +
                                                      "]}, " + rest + R"(, "train": {"dtype": "float64"}})",
                                                  "m", {});
  auto model = training::fresh_model<double>(plan);
  data::Schema schema;
  for (const data::ColumnSpec& spec : plan.flow.column_specs) {
    schema.columns.push_back({.name = spec.name, .loc = 0.5, .scale = 2.0, .kind = spec.kind});
    data::Column& column = schema.columns.back();
    if (spec.kind == data::Kind::categorical) column = {.name = spec.name, .kind = spec.kind, .categories = {"u", "v"}};
    if (spec.kind == data::Kind::integer) column.most = 9;
    if (spec.kind == data::Kind::periodic) column.high = 4;
  }
  model->set_schema(schema);
  perturb(model->layout(), model->weights(), 0.2);
  return model;
}

double score(const flow::Model& model, const std::vector<double>& row) {
  data::Columns columns;
  for (const double cell : row) columns.push_back({cell});
  core::ThreadPool pool(1);
  double out = 0;
  model.log_prob(columns, {}, {&out, 1}, pool);
  return out;
}

/// log ∫ exp(score) over one cell, or the sum over its whole numbers or categories.
double integral(const flow::Model& model, std::vector<double> row, std::size_t d) {
  const data::Kind kind = model.schema().columns[d].kind;
  const bool sums = kind == data::Kind::integer || kind == data::Kind::categorical;
  const double step = sums ? 1 : 1.0 / 128;
  const double low = kind == data::Kind::categorical || kind == data::Kind::periodic ? 0 : -40,
               high = kind == data::Kind::categorical ? 1 : (kind == data::Kind::periodic ? 4 - step : 40);
  const auto count = static_cast<std::size_t>((high - low) / step) + 1;
  data::Columns rows;
  for (const double cell : row) rows.emplace_back(count, cell);
  for (std::size_t i = 0; i < count; ++i) rows[d][i] = low + step * static_cast<double>(i);
  std::vector<double> scores(count);
  core::ThreadPool pool(1);
  model.log_prob(rows, {}, scores, pool);
  double sum = 0;
  for (const double s : scores) sum += std::exp(s) * step;
  return std::log(sum);
}

const std::string autoregressive =
    R"("flow": [{"type": "act_norm"}, {"type": "autoregressive", "univariate": {"type": "spline", "bins": 4},
    "net": {"hidden": [8]}}, {"type": "elementwise", "univariate": {"type": "affine"}}])";

}  // namespace

TEST_CASE("missing: the density of the cells that are there is the integral over the others") {
  struct Example {
    std::string columns, rest;
    std::vector<double> row;
    std::vector<std::vector<std::size_t>> gaps;  // each set without a gap in it first
  };
  const std::string abc = R"("a", "b", "c")";
  const std::vector<Example> examples = {
      {abc, autoregressive, {0.3, 1.5, -1}, {{2}, {2, 1}}},
      {abc, "\"ensemble\": 2, " + autoregressive, {0.3, 1.5, -1}, {{2}, {2, 1}}},
      {abc, R"("flow": [], "base": {"type": "multivariate_normal"})", {0.3, 1.5, -1}, {{0}, {1}, {0, 1}, {0, 2}}},
      {abc, R"("flow": [], "base": {"type": "mixture_normal", "components": 3})", {0.3, 1.5, -1}, {{0}, {1}, {0, 1}, {2, 0}}},
      {abc,
       R"("factors": [{"columns": ["b"], "flow": [{"type": "elementwise", "univariate": {"type": "spline", "bins": 4}}]},
          {"columns": ["a", "c"], "context": ["b"], "flow": [], "base": {"type": "multivariate_normal"}}])",
       {0.3, 1.5, -1},
       {{0}, {2}, {2, 0}}},
      {R"({"name": "a", "kind": "categorical"}, {"name": "b", "kind": "categorical"}, "c")",
       autoregressive,
       {1, 0, -1},
       {{2}, {2, 1}}},
      {R"("a", {"name": "b", "kind": "integer"})", autoregressive, {0.3, 3}, {{1}}},
      {R"({"name": "b", "kind": "integer"}, "a")", autoregressive, {3, 0.3}, {{1}}},
  };
  for (const Example& example : examples) {
    CAPTURE(example.rest);
    CAPTURE(example.columns);
    const auto model = model_of(example.columns, example.rest);
    for (const std::vector<std::size_t>& gaps : example.gaps) {
      CAPTURE(gaps.front());
      CAPTURE(gaps.size());
      std::vector<double> row = example.row;
      for (std::size_t i = 0; i + 1 < gaps.size(); ++i) row[gaps[i]] = gap;
      const double expected = integral(*model, row, gaps.back());
      row[gaps.back()] = gap;
      CHECK(score(*model, row) == doctest::Approx(expected).epsilon(2e-4));
    }
  }
}

TEST_CASE("missing: of rows without a gap, scores and gradients are those of a model that takes none") {
  const std::vector<std::string> stacks = {
      R"({"type": "act_norm"}, {"type": "autoregressive", "univariate": {"type": "spline", "bins": 4}, "net": {"hidden": [8]}})",
      R"({"type": "coupling", "mask": [0], "univariate": {"type": "spline", "bins": 4}, "identity_half": {"type": "affine"}, "net": {"hidden": [8]}})",
      R"({"type": "permutation", "order": "reverse"}, {"type": "autoregressive", "univariate": {"type": "affine"}, "order": "reverse", "net": {"hidden": [8]}},
         {"type": "elementwise", "univariate": {"type": "affine"}})",
      R"({"type": "affine_fixed", "loc": 1, "scale": 2}, {"type": "act_norm"}, {"type": "leaky_tanh"})"};
  const data::Columns rows{{1, 0, 1, 0}, {0.3, -1, 2, 0.5}, {1.5, 0, -2, 0.7}, {-1, 0.2, 0.1, 3}};
  for (const std::string& stack : stacks) {
    CAPTURE(stack);
    const std::string columns = R"({"name": "k", "kind": "categorical"}, "a", "b", "c")", rest = "\"flow\": [" + stack + "]";
    const auto with = model_of(columns, rest), without = model_of(columns, rest, "error");
    REQUIRE(with->weights() == without->weights());
    REQUIRE(!with->inexact({false, false, false, false}));
    REQUIRE(with->traits().conditionals.reason.empty());
    const flow::Model::Gradient a = with->gradient(rows, {}), b = without->gradient(rows, {});
    for (std::size_t p = 0; p < a.parameters.size(); ++p)
      CHECK(a.parameters[p] == doctest::Approx(b.parameters[p]).epsilon(1e-9));
    for (std::size_t d = 0; d < rows.size(); ++d)
      for (std::size_t i = 0; i < 4; ++i) CHECK(a.rows[d][i] == doctest::Approx(b.rows[d][i]).epsilon(1e-9));
    for (std::size_t i = 0; i < 4; ++i) {
      const std::vector<double> row{rows[0][i], rows[1][i], rows[2][i], rows[3][i]};
      CHECK(score(*with, row) == doctest::Approx(score(*without, row)).epsilon(1e-12));
    }
  }
}

TEST_CASE("missing: a circle's turns count once where its cell is missing") {
  const auto model = model_of(R"("a", {"name": "b", "kind": "periodic", "period": 4})", autoregressive),
             alone = model_of(R"("a", "b")", autoregressive);
  REQUIRE(model->weights() == alone->weights());
  CHECK(score(*model, {0.3, gap}) == score(*alone, {0.3, gap}));
}

TEST_CASE("missing: terms by column add up to it, and a missing cell has none") {
  for (const std::string ensemble : {"", "\"ensemble\": 2, "}) {
    const auto model = model_of(R"({"name": "k", "kind": "categorical"}, "a", "b", "c")", ensemble + autoregressive);
    const flow::Conditionals split = model->traits().conditionals;
    REQUIRE(split.reason.empty());
    CHECK(split.order == std::vector<int>{0, 1, 2, 3});
    CHECK(split.looks[1] == std::vector<int>{0});
    CHECK(split.looks[3] == std::vector<int>{0, 1, 2});
    core::ThreadPool pool(1);
    const data::Columns row{{1}, {0.3}, {1.5}, {gap}};
    const data::Columns terms = model->log_prob_by_column(row, {}, 1, pool);
    CHECK(terms[0][0] + terms[1][0] + terms[2][0] == doctest::Approx(score(*model, {1, 0.3, 1.5, gap})).epsilon(1e-12));
    CHECK(std::isnan(terms[3][0]));
  }
}

TEST_CASE("missing: a row whose cells look at a missing one is refused, and has no score") {
  struct Example {
    std::string columns, rest;
    std::vector<double> row;
    std::string says;
  };
  const std::string ab = R"("a", "b")";
  const std::vector<Example> examples = {
      {ab, autoregressive, {gap, 1}, R"(expected "a" where "b" is there)"},
      {ab, R"("flow": [{"type": "lu_linear"}])", {gap, 1}, R"(expected "a" where "b" is there)"},
      {ab, R"("flow": [{"type": "lu_linear"}])", {1, gap}, R"(expected "b" where "a" is there)"},
      {ab,
       R"("factors": [{"columns": ["b"], "flow": []}, {"columns": ["a"], "context": ["b"], "flow": [{"type": "elementwise",
          "univariate": {"type": "affine"}, "net": {"hidden": [4]}}]}])",
       {1, gap},
       R"(expected "b" where "a" is there)"},
      {R"({"name": "a", "kind": "categorical"}, {"name": "b", "kind": "categorical"})",
       R"("flow": [])",
       {gap, 1},
       R"(expected "a" where "b" is there)"},
      {R"({"name": "a", "kind": "categorical"}, "b")", autoregressive, {gap, 1}, R"(expected "a" where "b" is there)"},
  };
  const auto place = [](std::size_t row) { return "t.csv: row " + std::to_string(row + 1); };
  for (const Example& example : examples) {
    CAPTURE(example.rest);
    CAPTURE(example.columns);
    const auto model = model_of(example.columns, example.rest);
    CHECK(std::isnan(score(*model, example.row)));
    const data::Columns columns{{1, example.row[0]}, {1, example.row[1]}};
    CHECK(thrown<core::DataError>([&] {
            flow::refuse_inexact(*model, columns, {}, place);
          }).starts_with("t.csv: row 2: " + example.says));
  }
  const auto model = model_of(ab, autoregressive);
  flow::refuse_inexact(*model, {{1, 1}, {1, gap}}, {}, place);
  CHECK(thrown<core::DataError>([&] {
          flow::refuse_inexact(*model, {{1, gap}, {1, gap}}, {}, place);
        }).starts_with("t.csv: row 2: expected a row with a cell that is there"));
  model->set_schema({.columns = model->schema().columns, .context = {{.name = "k"}}});
  CHECK(thrown<core::DataError>([&] {
          flow::refuse_inexact(*model, {{1, 1}, {1, 1}}, {{1, gap}}, place);
        }).starts_with("t.csv: row 2: expected a value for \"k\""));
}
