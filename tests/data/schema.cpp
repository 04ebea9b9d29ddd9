// Preprocessing as a bijection, its Jacobian, and its JSON.
#include "data/schema.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "core/error.h"

using namespace flowfit;
using core::DataError;
using core::ModelError;
using data::Columns;
using data::ColumnSpec;
using data::Kind;
using data::Preprocess;
using data::Schema;
using test::thrown;

namespace {

std::vector<ColumnSpec> specs(const std::vector<std::string>& names, Preprocess preprocess = Preprocess::standardize) {
  std::vector<ColumnSpec> all;
  for (const std::string& name : names) all.push_back({.name = name, .preprocess = preprocess});
  return all;
}

std::string refusal(std::string_view text) {
  return thrown<ModelError>([&] { Schema::from_json(config::parse_json(text, "m"), "m.safetensors: schema"); });
}

}  // namespace

TEST_CASE("schema: standardize gives mean 0 and deviation 1, and decodes back") {
  const Columns columns = {{1.0, 2.0, 3.0, 6.0}, {1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0, 1e9 + 4.0}};
  const Schema schema = Schema::fit(specs({"a", "b"}), columns, specs({"c"}), {{5.0, 7.0, 5.0, 7.0}});
  CHECK(schema.names() == std::vector<std::string>{"a", "b"});
  CHECK(schema.context_names() == std::vector<std::string>{"c"});
  CHECK(schema.columns[0].loc == 3.0);
  CHECK(schema.columns[0].scale == doctest::Approx(std::sqrt(3.5)).epsilon(1e-15));
  CHECK(schema.columns[1].scale == doctest::Approx(std::sqrt(1.25)).epsilon(1e-15));
  CHECK(schema.context[0].loc == 6.0);
  CHECK(schema.context[0].scale == 1.0);

  Columns encoded = columns;
  std::vector<double> log_det(4);
  schema.encode(encoded, log_det);
  for (const std::vector<double>& column : encoded) {
    double sum = 0.0, squares = 0.0;
    for (const double value : column) sum += value, squares += value * value;
    CHECK(sum == doctest::Approx(0.0));
    CHECK(squares / 4.0 == doctest::Approx(1.0));
  }
  schema.decode(encoded);
  for (std::size_t i = 0; i < columns.size(); ++i)
    for (std::size_t j = 0; j < columns[i].size(); ++j) CHECK(encoded[i][j] == doctest::Approx(columns[i][j]).epsilon(1e-15));
  Columns context = {{5.0, 7.0}};
  schema.encode_context(context);
  CHECK(context == Columns{{-1.0, 1.0}});
  for (const double value : log_det) CHECK(value == doctest::Approx(-std::log(std::sqrt(3.5)) - std::log(std::sqrt(1.25))));
  CHECK_THROWS_AS(schema.encode(context), std::logic_error);
}

TEST_CASE("schema: a power-of-two change of unit moves nothing but the Jacobian") {
  const Columns columns = {{0.1, 0.7, -3.3, 12.9}};
  Columns scaled = columns;
  for (double& value : scaled[0]) value *= 1024.0;
  const Schema one = Schema::fit(specs({"a"}), columns, {}, {}), other = Schema::fit(specs({"a"}), scaled, {}, {});
  Columns a = columns, b = scaled;
  std::vector<double> log_det(4), other_log_det(4);
  one.encode(a, log_det);
  other.encode(b, other_log_det);
  CHECK(a == b);
  CHECK(log_det[0] - other_log_det[0] == doctest::Approx(std::log(1024.0)));
}

TEST_CASE("schema: none is the identity") {
  const Schema schema = Schema::fit(specs({"a"}, Preprocess::none), {{1.0, 3.0}}, specs({"c"}, Preprocess::none), {{2.0, 2.0}});
  Columns columns = {{0.1, -7.5}};
  std::vector<double> log_det{1, 1};
  schema.encode(columns, log_det);
  CHECK(columns == Columns{{0.1, -7.5}});
  CHECK(log_det == std::vector<double>{0.0, 0.0});
}

TEST_CASE("schema: extreme values") {
  const Schema large = Schema::fit(specs({"a"}), {{1e308, 1.5e308, -1.7e308}}, {}, {});
  CHECK(std::isfinite(large.columns[0].loc));
  CHECK(large.columns[0].scale > 1e308);
  const Schema small = Schema::fit(specs({"a"}), {{1e-200, 3e-200}}, {}, {});
  CHECK(small.columns[0].scale == doctest::Approx(1e-200).epsilon(1e-15));
  CHECK_THROWS_AS(Schema::fit(specs({"a"}), {{0.0, 5e-324}}, {}, {}), DataError);
}

TEST_CASE("schema: columns that cannot be modelled") {
  const auto fit = [](Preprocess preprocess, Columns columns, Columns context) {
    return thrown<DataError>([&] { Schema::fit(specs({"x3"}, preprocess), columns, specs({"c"}, preprocess), context); });
  };
  CHECK(fit(Preprocess::standardize, {{7.0, 7.0}}, {{1.0, 2.0}}) == "column \"x3\" is constant (7); remove it from data.columns");
  CHECK(fit(Preprocess::none, {{7.0, 7.0}}, {{1.0, 2.0}}) == "column \"x3\" is constant (7); remove it from data.columns");
  CHECK(fit(Preprocess::standardize, {{7.0, 8.0}}, {{0.1, 0.1}}) ==
        "column \"c\" is constant (0.1); remove it from data.context");
  CHECK(fit(Preprocess::standardize, {{7.0}}, {{1.0}}) == "column \"x3\": expected at least 2 rows to fit to, got 1");
  // The mean of three 0.1 is not 0.1: a test of the deviation alone would miss this constant.
  CHECK(fit(Preprocess::standardize, {{0.1, 0.1, 0.1}}, {{1.0, 2.0, 3.0}}).find("is constant (0.1)") != std::string::npos);
}

TEST_CASE("schema: JSON round trip, bit for bit") {
  const Schema schema =
      Schema::fit(specs({"a", "é,\"b\""}), {{0.1, 0.2, 0.7}, {1e-5, 3.0, 1e17}}, specs({"c"}), {{1.0, 2.0, 4.0}});
  const std::string text = config::print_json(schema.to_json());
  const Schema back = Schema::from_json(config::parse_json(text, "m"), "m");
  REQUIRE(back.names() == schema.names());
  REQUIRE(back.context_names() == schema.context_names());
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back.columns[i].loc == schema.columns[i].loc);
    CHECK(back.columns[i].scale == schema.columns[i].scale);
  }
  CHECK(config::print_json(back.to_json()) == text);
}

TEST_CASE("schema: from_json refuses anything else, with the place") {
  CHECK(refusal("3") == "m.safetensors: schema: /: expected an object, got 3");
  CHECK(refusal("{}") == "m.safetensors: schema: /columns: required key is missing; /context: required key is missing");
  CHECK(refusal(R"({"columns": [], "context": []})").ends_with("/columns: expected at least one column, got an empty list"));
  CHECK(refusal(R"({"columns": [{"name": "a", "loc": 0, "scale": 0}], "context": []})")
            .ends_with("/columns/0/scale: must be > 0, got 0"));
  CHECK(
      refusal(
          R"({"columns": [{"name": "a", "loc": "x", "scale": -1, "z": 1}, 5], "context": [{"name": "a", "loc": 0, "scale": 1}]})") ==
      "m.safetensors: schema: /columns/0/loc: expected a number, got \"x\"; /columns/0/scale: must be > 0, got -1; "
      "/columns/0/z: unknown key; known: name, kind, quantiles, loc, scale; /columns/1: expected an object, got 5; "
      "/context/0/name: expected each "
      "name once, got \"a\"");
  config::Json json = Schema{{{"a", 0.0, 1.0}}, {}}.to_json();
  json["columns"][0]["scale"] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(Schema::from_json(json, "m"), ModelError);
  json["columns"][0]["scale"] = std::nan("");
  CHECK_THROWS_AS(Schema::from_json(json, "m"), ModelError);
}
