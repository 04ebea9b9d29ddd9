// columns and conditional_normal: what is theirs alone, and the faults of their configs.
#include <doctest/doctest.h>

#include "../core/scratch.h"
#include "core/error.h"
#include "distributions/distribution.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

struct Made {
  config::Document document;
  nn::ParameterLayout layout;
  std::unique_ptr<distributions::Distribution<double>> base;
  std::vector<double> parameters;

  explicit Made(const char* text, std::vector<std::string> columns = {"a", "b", "c"}, int context = 0)
      : document(config::Json::parse(text)) {
    const int features = static_cast<int>(columns.size());
    base = distributions::make_distribution<double>(document.root(), {layout, "base", features, context, std::move(columns)});
    parameters = layout.initial(1);
    perturb(layout, parameters, 0.3);
  }
  std::string fault() const {
    return test::thrown<core::ConfigError>([&] { document.check(); });
  }
  Matrix<double> log_prob(const Matrix<double>& z) const {
    Tape<double> tape;
    nn::Pass<double> pass{tape, parameters.data()};
    return base->log_prob(pass, input(tape, z), {}).val();
  }
  Matrix<double> sample(Index rows) const {
    Tape<double> tape;
    nn::Pass<double> pass{tape, parameters.data()};
    std::vector<std::uint64_t> ids(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
    pass.rows = ids.data();
    return base->sample(pass, rows, {}, {1, core::Purpose::sample}).val();
  }
};

}  // namespace

TEST_CASE("columns: each by its own base, the others standard normal, drawn independently") {
  const Made mixed(R"({"type": "columns", "columns": {"c": {"type": "von_mises"}, "a": {"type": "laplace"}}})");
  REQUIRE(mixed.document.ok());
  const config::Json resolved = mixed.document.resolved();
  CHECK(resolved["columns"]["b"] == config::Json{{"type", "normal"}});
  CHECK(resolved["columns"]["a"]["learn"] == true);
  std::vector<std::string> names;
  for (const nn::Parameter& p : mixed.layout.parameters()) names.push_back(p.name);
  CHECK(names == std::vector<std::string>{"base.columns.a.loc", "base.columns.a.log_scale", "base.columns.c.loc",
                                          "base.columns.c.log_concentration"});
  CHECK(std::isinf(mixed.base->support().second));

  const Matrix<double> z = 0.5 * normals<double>(block, 3, 1);
  Matrix<double> moved = z;
  moved.col(1).array() += 1;
  const Eigen::VectorXd change = mixed.log_prob(moved) - mixed.log_prob(z);
  CHECK((change + (z.col(1).array() + 0.5).matrix()).isZero(1e-12));
  moved.col(2).setConstant(4);
  CHECK((mixed.log_prob(moved).array() == -std::numeric_limits<double>::infinity()).all());

  const Made normal(R"({"type": "columns", "columns": {}})");
  const Matrix<double> drawn = normal.sample(20000);
  const Matrix<double> correlation = drawn.transpose() * drawn / 20000;
  CHECK((correlation - Matrix<double>::Identity(3, 3)).cwiseAbs().maxCoeff() < 0.04);
  CHECK(std::isinf(normal.base->support().first));
  const Made angles(
      R"({"type": "columns", "columns": {"a": {"type": "uniform", "low": 0, "high": 4}, "b": {"type": "von_mises"}}})",
      {"a", "b"});
  CHECK(angles.base->support().first == -std::numbers::pi);
  CHECK(angles.base->support().second == 4);
}

TEST_CASE("columns: faults of bases are told") {
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(has(Made(R"({"type": "columns"})").fault(), "/columns: required"));
  CHECK(has(Made(R"({"type": "columns", "columns": 3})").fault(), "/columns: expected an object"));
  CHECK(has(Made(R"({"type": "columns", "columns": {"d": {"type": "normal"}}})").fault(), "/columns/d: unknown key"));
  CHECK(has(Made(R"({"type": "columns", "columns": {"a": {"type": "columns"}}})").fault(), "/columns/a/type"));
  CHECK(has(Made(R"({"type": "columns", "columns": {"a": {"type": "student_t", "df": 0.1}}})").fault(), "/columns/a/df"));
  CHECK(has(Made(R"({"type": "conditional_normal"})").fault(), "no context"));
  CHECK(Made(R"({"type": "conditional_normal"})", {"a"}, 1).document.ok());
  CHECK(has(Made(R"({"type": "mixture_normal", "covariance": "fulll"})").fault(), "full"));
  CHECK(has(Made(R"({"type": "mixture_normal", "components": 0})").fault(), "/components"));
  CHECK(has(Made(R"({"type": "von_mises", "concentration": 0})").fault(), "/concentration"));
}
