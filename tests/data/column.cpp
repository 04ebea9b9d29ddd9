// Every kind and preprocessing of a column: there and back, the Jacobian against differences, units, limits, what is refused.
#include "data/column.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "core/error.h"
#include "core/random.h"
#include "data/schema.h"

using namespace flowfit;
using data::Column;
using data::Columns;
using data::ColumnSpec;
using data::Kind;
using data::Point;
using data::Preprocess;
using data::Schema;
using test::thrown;

namespace {

std::vector<double> normals(std::size_t n, std::uint64_t row = 0) {
  std::vector<double> values(n);
  core::RandomKey{7, core::Purpose::check}.normals(row, values);
  return values;
}

/// Values that suit a kind: heavy tails, ties, a skew.
std::vector<double> values_for(Kind kind, double unit = 1) {
  std::vector<double> values = normals(500);
  for (std::size_t i = 0; i < values.size(); ++i) {
    double& v = values[i];
    if (kind == Kind::positive) v = std::exp(2 * v);
    if (kind == Kind::bounded) v = 1 / (1 + std::exp(-v));
    if (kind == Kind::continuous) v = i % 5 == 0 ? 0.25 : v * v * v;
    if (kind == Kind::periodic) v = 40 * v;
    v *= unit;
  }
  return values;
}

const Kind curved[] = {Kind::continuous, Kind::positive, Kind::bounded, Kind::periodic};

ColumnSpec spec_for(Kind kind, Preprocess preprocess, double unit = 1) {
  ColumnSpec spec{.name = "x", .kind = kind, .preprocess = preprocess};
  if (kind == Kind::periodic) spec.low = -180 * unit, spec.period = 360 * unit;
  return spec;
}

}  // namespace

TEST_CASE("column: back(at(x)) = x, and the slope and its bend are those of differences") {
  for (const Kind kind : curved) {
    for (const Preprocess preprocess : {Preprocess::standardize, Preprocess::none, Preprocess::quantile}) {
      CAPTURE(word(kind));
      CAPTURE(static_cast<int>(preprocess));
      const std::vector<double> values = values_for(kind);
      const Column column = Column::fit(spec_for(kind, preprocess), values, {}, true);
      for (std::size_t i = 0; i < values.size(); i += 7) {
        const double x = values[i] + 1e-3;  // beside the ties
        const Point point = column.at(x);
        CHECK(column.back(point.value) == doctest::Approx(x).epsilon(1e-10));
        const double step = 1e-6 * std::max(1e-3, std::abs(x));
        const Point above = column.at(x + step), below = column.at(x - step);
        CHECK(point.log_slope == doctest::Approx(std::log((above.value - below.value) / (2 * step))).epsilon(1e-4).scale(1));
        const double bend = (above.log_slope - below.log_slope) / (2 * step);
        const bool smooth = std::abs(above.bend - below.bend) <= 1e-3 * (1 + std::abs(point.bend));  // no knot in between
        if (smooth) CHECK(point.bend == doctest::Approx(bend).epsilon(1e-3).scale(1e-2));
      }
    }
  }
}

TEST_CASE("column: quantiles make a heavy tail normal, and their slope is continuous at the knots") {
  const std::vector<double> values = values_for(Kind::continuous);
  const Column column = Column::fit(spec_for(Kind::continuous, Preprocess::quantile), values, {}, true);
  double sum = 0, squares = 0;
  for (const double value : values) sum += column.at(value).value, squares += std::pow(column.at(value).value, 2);
  CHECK(sum / 500 == doctest::Approx(0).scale(1).epsilon(0.05));
  CHECK(squares / 500 == doctest::Approx(1).epsilon(0.1));
  for (const double knot : column.quantiles.x) {
    const double step = 1e-9 * std::max(1.0, std::abs(knot));
    CHECK(column.at(knot - step).log_slope == doctest::Approx(column.at(knot + step).log_slope).epsilon(1e-4).scale(1));
  }
  // Linear beyond the data.
  CHECK(column.at(1e6).log_slope == column.at(1e7).log_slope);
  CHECK(column.back(column.at(1e6).value) == doctest::Approx(1e6));
}

TEST_CASE("column: a change of unit moves the log-determinant by the log of the factor and nothing else") {
  for (const Kind kind : curved) {
    for (const Preprocess preprocess : {Preprocess::standardize, Preprocess::quantile}) {
      CAPTURE(word(kind));
      const Column metres = Column::fit(spec_for(kind, preprocess), values_for(kind), {}, true),
                   millimetres = Column::fit(spec_for(kind, preprocess, 1000), values_for(kind, 1000), {}, true);
      for (const double x : values_for(kind)) {
        const Point a = metres.at(x), b = millimetres.at(1000 * x);
        CHECK(a.value == doctest::Approx(b.value).scale(1).epsilon(1e-9));
        CHECK(a.log_slope - b.log_slope == doctest::Approx(std::log(1000.0)).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("column: limits hold") {
  const Column bounded = Column::fit(spec_for(Kind::bounded, Preprocess::standardize), {1, 2, 3}, {5}, true);
  CHECK(bounded.low == doctest::Approx(0.96));
  CHECK(bounded.high == doctest::Approx(5.04));
  for (const double z : {-1e6, -50.0, 0.0, 50.0, 1e6}) {
    const double x = bounded.back(z);
    CHECK(std::isfinite(bounded.at(x).log_slope));
    CHECK(bounded.sampled(x) >= 1);
    CHECK(bounded.sampled(x) <= 5);
  }
  CHECK(bounded.at(0.9).log_slope == -INFINITY);
  CHECK(std::isnan(bounded.at(5.04).value));

  const Column positive = Column::fit(spec_for(Kind::positive, Preprocess::none), {1, 2}, {}, true);
  CHECK(positive.at(0).log_slope == -INFINITY);
  CHECK(positive.back(-1e6) > 0);
  CHECK(std::isfinite(positive.back(1e6)));

  const Column whole = Column::fit(spec_for(Kind::integer, Preprocess::quantile), {0, 1, 2, 2, 3, 7}, {9}, true);
  CHECK(whole.sampled(2.999) == 2);
  CHECK(whole.sampled(-3.5) == 0);
  CHECK(std::signbit(whole.sampled(-0.5)) == false);
  CHECK(whole.sampled(1e9) == 9);

  const Column angle = Column::fit(spec_for(Kind::periodic, Preprocess::none), {-170, 170, 175, -100}, {}, true);
  CHECK(angle.low + angle.cut == doctest::Approx(35));  // in the middle of what is empty
  CHECK(angle.at(-170).value == doctest::Approx(angle.at(190).value));
  for (const double z : {-1000.0, -1.0, 0.0, 359.9999999999999, 360.0, 1e9}) {
    CHECK(angle.back(z) >= -180);
    CHECK(angle.sampled(angle.back(z)) < 180);
  }
}

TEST_CASE("column: values that a kind does not have") {
  const auto refused = [](Kind kind, std::vector<double> values, const ColumnSpec& spec = {}) {
    ColumnSpec full = spec;
    full.name = "x";
    full.kind = kind;
    return thrown<core::DataError>([&] { Column::fit(full, values, {}, true); });
  };
  CHECK(refused(Kind::positive, {1, 0, 2}) ==
        "column \"x\": expected positive numbers, got 0; choose another kind, such as \"bounded\" or \"continuous\"");
  CHECK(refused(Kind::bounded, {0.5, 1, 2}, {.low = 0, .high = 1})
            .starts_with("column \"x\": expected numbers between 0 and 1, got 1; a limit"));
  CHECK(refused(Kind::integer, {1, 2.5}) == "column \"x\": expected whole numbers, got 2.5; choose \"kind\": \"continuous\"");
  CHECK(refused(Kind::integer, {1, 12}, {.high = 10}).starts_with("column \"x\": expected numbers from 1 to 10, got 12"));
}

TEST_CASE("schema: whitening makes columns uncorrelated, is undone, and has the Jacobian of differences") {
  const std::vector<double> a = normals(400, 1), b = normals(400, 2);
  Columns columns(4, std::vector<double>(400));
  for (std::size_t i = 0; i < 400; ++i) {
    columns[0][i] = 3 * a[i];
    columns[1][i] = a[i] + 0.1 * b[i];
    columns[2][i] = std::exp(b[i]);
    columns[3][i] = 5 + b[i] - a[i] * a[i];
  }
  const std::vector<ColumnSpec> specs{{.name = "a", .preprocess = Preprocess::whiten},
                                      {.name = "b", .preprocess = Preprocess::whiten},
                                      {.name = "c", .kind = Kind::positive},
                                      {.name = "d", .preprocess = Preprocess::whiten}};
  const Schema schema = Schema::fit(specs, columns, {}, {});
  Columns encoded = columns;
  std::vector<double> log_det(400), again(400);
  schema.encode(encoded, log_det);
  for (const std::size_t i : {0u, 1u, 3u}) {
    for (const std::size_t j : {0u, 1u, 3u}) {
      double sum = 0;
      for (std::size_t row = 0; row < 400; ++row) sum += encoded[i][row] * encoded[j][row];
      CHECK(sum / 400 == doctest::Approx(i == j ? 1.0 : 0.0).scale(1).epsilon(1e-9));
    }
  }
  Columns back = encoded;
  schema.decode(back, again);
  for (std::size_t d = 0; d < 4; ++d)
    for (std::size_t row = 0; row < 400; ++row) CHECK(back[d][row] == doctest::Approx(columns[d][row]).epsilon(1e-9));
  CHECK(again[17] == doctest::Approx(log_det[17]));
  // It is triangular: the product of each column's own slope.
  double numeric = 0;
  Columns gradient(4, std::vector<double>(400, 0.0));
  for (std::size_t d = 0; d < 4; ++d) {
    const double step = 1e-5;
    Columns up = columns, down = columns;
    for (double& v : up[d]) v += step;
    for (double& v : down[d]) v -= step;
    schema.encode(up, {});
    schema.encode(down, {});
    numeric += std::log((up[d][5] - down[d][5]) / (2 * step));
  }
  CHECK(log_det[5] == doctest::Approx(numeric).epsilon(1e-6));
  // d/dx of Σ (k + 1)·y_k + log_det.
  for (std::size_t k = 0; k < 4; ++k) std::ranges::fill(gradient[k], static_cast<double>(k + 1));
  schema.pull_back(gradient, columns);
  for (std::size_t d = 0; d < 4; ++d) {
    const double step = 1e-6;
    double value[2];
    for (const int side : {0, 1}) {
      Columns moved = columns;
      moved[d][5] += side == 0 ? -step : step;
      schema.encode(moved, again);
      value[side] = again[5];
      for (std::size_t k = 0; k < 4; ++k) value[side] += static_cast<double>(k + 1) * moved[k][5];
    }
    CHECK(gradient[d][5] == doctest::Approx((value[1] - value[0]) / (2 * step)).epsilon(1e-6).scale(1));
  }
  CHECK(thrown<core::DataError>([&] {
          Columns same = columns;
          for (std::size_t row = 0; row < 400; ++row) same[3][row] = 2 * same[0][row] - same[1][row];
          Schema::fit(specs, same, {}, {});
        }).starts_with("column \"d\" is a linear combination of the columns before it"));
}

TEST_CASE("schema: every kind goes through JSON bit for bit, and anything else is refused") {
  std::vector<ColumnSpec> specs;
  Columns columns;
  for (const Kind kind : curved) {
    specs.push_back(spec_for(kind, Preprocess::quantile));
    specs.back().name = std::string(word(kind));
    columns.push_back(values_for(kind));
  }
  specs.push_back({.name = "w", .preprocess = Preprocess::whiten});
  columns.push_back(normals(500, 3));
  specs.push_back({.name = "k", .kind = Kind::integer});
  for (double& v : columns.emplace_back(normals(500, 4))) v = std::floor(5 * v);
  specs.push_back({.name = "c", .kind = Kind::categorical, .categories = {"no", "yes, \"sure\""}});
  columns.emplace_back(500, 0.0);
  const Schema schema = Schema::fit(specs, columns, {}, {});
  const std::string text = config::print_json(schema.to_json());
  const Schema back = Schema::from_json(config::parse_json(text, "m"), "m");
  CHECK(config::print_json(back.to_json()) == text);
  Columns a = columns, b = columns;
  schema.encode(a, {});
  back.encode(b, {});
  CHECK(a == b);

  const auto refusal = [](const std::string& column, const std::string& more = "") {
    return thrown<core::ModelError>([&] {
      Schema::from_json(config::parse_json(R"({"columns": [)" + column + R"(], "context": [])" + more + "}", "m"), "m");
    });
  };
  CHECK(refusal(R"({"name": "x", "loc": 0, "scale": 1, "kind": "bounded"})").find("/columns/0/low: required key is missing") !=
        std::string::npos);
  CHECK(refusal(R"({"name": "x", "loc": 0, "scale": 1, "kind": "bounded", "low": 1, "high": 1, "least": 1, "most": 1})")
            .find("/columns/0/high: expected more than low") != std::string::npos);
  CHECK(refusal(R"({"name": "x", "loc": 0, "scale": 1, "kind": "ignore"})").find("expected one of") != std::string::npos);
  CHECK(refusal(R"({"name": "x", "loc": 0, "scale": 1, "low": 1})").find("/columns/0/low: unknown key") != std::string::npos);
  CHECK(
      refusal(R"({"name": "x", "quantiles": {"x": [0, 0], "z": [0, 1], "slope": [1, 1]}})").find("expected x and z that rise") !=
      std::string::npos);
  CHECK(refusal(R"({"name": "x", "quantiles": {"x": [0, 1], "z": [0, 1], "slope": [1, 0]}})").find("must be > 0") !=
        std::string::npos);
  CHECK(refusal(R"({"name": "x", "kind": "categorical", "categories": ["a", "a"]})").find("each once") != std::string::npos);
  CHECK(refusal(R"({"name": "x", "loc": 0, "scale": 1})", R"(, "whitening": {"columns": ["y"], "lower": [[1]]})")
            .find("expected columns of the schema") != std::string::npos);
  CHECK(refusal(R"({"name": "x", "loc": 0, "scale": 1})", R"(, "whitening": {"columns": ["x"], "lower": [[0]]})")
            .find("must be > 0") != std::string::npos);
}
