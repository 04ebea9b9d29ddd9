// The check of a model passes a right one, and finds each kind of wrong one.
#include "flow/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "fixture.h"
#include "flow/expand.h"
#include "support/subject.h"

using namespace flowfit;

namespace {

std::unique_ptr<flow::TypedModel<double>> made(const std::string& config, double perturbation = 0.2) {
  const config::Document document = flow::expand(config::Json::parse(config));
  const flow::Settings settings = flow::Settings::read(document.root(), {});
  data::Schema schema;
  for (const std::string& name : settings.columns) schema.columns.push_back({name, 3.0, 2.0});
  for (const std::string& name : settings.context) schema.context.push_back({name, -1.0, 4.0});
  auto model = std::make_unique<flow::TypedModel<double>>(document, settings, schema);
  document.check();
  test::perturb(model->layout(), model->weights(), perturbation);
  return model;
}

std::unique_ptr<flow::TypedModel<double>> three_columns() {
  return made(R"({"data": {"columns": ["a", "b", "c"]}, "flow": [
      {"type": "autoregressive", "univariate": {"type": "spline"}, "net": {"hidden": [6], "activation": "tanh"}}, {"type": "lu_linear"}]})");
}

/// A model with one thing wrong.
class Wrong final : public flow::Model {
 public:
  enum Fault { none, decoding, log_determinant, rows_gradient, parameters_gradient, far_scores, far_draws, density, draws };
  Wrong(std::unique_ptr<flow::TypedModel<double>> right, Fault fault)
      : Model(right->schema()), right_(std::move(right)), fault_(fault) {}

  std::vector<ParameterInfo> parameters() const override { return right_->parameters(); }
  bool float64() const override { return true; }
  Traits traits() const override { return right_->traits(); }
  void log_prob(const data::Columns& x, const data::Columns& c, std::span<double> out, core::ThreadPool& pool) const override {
    right_->log_prob(x, c, out, pool);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (fault_ == density) out[i] += 0.03;
      if (fault_ == far_scores && x[0][i] > schema_.columns[0].loc + 1e7 * schema_.columns[0].scale) out[i] = std::nan("");
    }
  }
  data::Columns log_prob_by_column(const data::Columns& x, const data::Columns& c, std::size_t n,
                                   core::ThreadPool& pool) const override {
    return right_->log_prob_by_column(x, c, n, pool);
  }
  data::Columns sample(std::uint64_t seed, std::span<const std::uint64_t> places, const data::Columns& c,
                       core::ThreadPool& pool) const override {
    data::Columns x = right_->sample(seed, places, c, pool);
    // The first column a little too narrow: log-determinants and scores do not see it.
    if (fault_ == draws)
      for (double& v : x[0]) v = schema_.columns[0].loc + 0.8 * (v - schema_.columns[0].loc);
    return x;
  }
  data::Columns encode(const data::Columns& x, const data::Columns& c, std::span<double> log_det,
                       core::ThreadPool& pool) const override {
    data::Columns z = right_->encode(x, c, log_det, pool);
    if (fault_ == log_determinant)
      for (double& value : log_det) value *= 1.001;
    return z;
  }
  data::Columns decode(const data::Columns& z, const data::Columns& c, std::span<double> log_det,
                       core::ThreadPool& pool) const override {
    data::Columns x = right_->decode(z, c, log_det, pool);
    if (fault_ == decoding) x[1][x[1].size() / 2] *= 1 + 1e-5;
    if (fault_ == far_draws)
      for (std::size_t i = 0; i < x[0].size(); ++i)
        if (std::abs(z[0][i]) > 4.5) x[0][i] = std::numeric_limits<double>::infinity();
    return x;
  }
  Gradient gradient(const data::Columns& x, const data::Columns& c) const override {
    Gradient g = right_->gradient(x, c);
    if (fault_ == rows_gradient)
      if (g.rows[1].size() > 7) g.rows[1][7] *= 1.01;
    if (fault_ == parameters_gradient) g.parameters[40] += 1;
    return g;
  }
  void log_prob_moved(std::span<const double> move, const data::Columns& x, const data::Columns& c, std::span<double> out,
                      core::ThreadPool& pool) const override {
    right_->log_prob_moved(move, x, c, out, pool);
  }

 private:
  std::unique_ptr<flow::TypedModel<double>> right_;
  Fault fault_;
};

flow::ModelCheck checked(const flow::Model& model) {
  core::ThreadPool pool(2);
  return flow::check_model({nullptr, &model, &model}, pool);
}

// Names of the figures that are off.
std::string failures(const flow::ModelCheck& check) {
  std::string all;
  for (const auto& [name, figure] : check.figures())
    if (!figure.ok()) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

}  // namespace

TEST_CASE("check: a right model of two columns passes, and each fault is found by its own figure") {
  const auto found = [](Wrong::Fault fault) { return failures(checked(Wrong(test::small_model<double>(), fault))); };
  CHECK(found(Wrong::none) == "");
  CHECK(found(Wrong::decoding) == "round trip");
  CHECK(found(Wrong::log_determinant) == "log-det");
  CHECK(found(Wrong::rows_gradient) == "gradient by rows");
  CHECK(found(Wrong::parameters_gradient) == "gradient by parameters");
  CHECK(found(Wrong::far_scores) == "tails");
  CHECK(found(Wrong::far_draws) == "tails");
  CHECK(found(Wrong::density) == "normalization");
}

TEST_CASE("check: with three columns a score that is no density's, and draws that are not the density's, are found") {
  const flow::ModelCheck right = checked(Wrong(three_columns(), Wrong::none));
  CHECK(failures(right) == "");
  CHECK(!right.integral);
  REQUIRE(right.wider);
  REQUIRE(right.narrower);
  for (const auto& m : {*right.wider, *right.narrower}) {
    CHECK(m.off.judged);
    CHECK(m.mass.effective > 5000);
    CHECK(m.mass.error < 0.01);
  }
  CHECK(failures(checked(Wrong(three_columns(), Wrong::density))).starts_with("normalization"));
  CHECK(failures(checked(Wrong(three_columns(), Wrong::draws))) == "samples");
}

TEST_CASE("check: a right model with heavy tails passes") {
  for (const char* base : {R"({"type": "cauchy"})", R"({"type": "student_t", "df": 0.7})"}) {
    for (const char* columns : {R"(["a", "b"])", R"(["a", "b", "c"])"}) {
      CAPTURE(base);
      CAPTURE(columns);
      const auto model = made(
          std::string(R"({"data": {"columns": )") + columns + R"(, "preprocess": "none"}, "base": )" + base +
          R"(, "flow": [{"type": "elementwise", "univariate": {"type": "spline"}}, {"type": "permutation", "order": "reverse"}]})");
      CHECK(failures(checked(*model)) == "");
    }
  }
}

TEST_CASE("check: a right model on a bounded base passes, and one whose rows are all positive") {
  for (const char* flow :
       {R"([{"type": "elementwise", "univariate": {"type": "spline", "bound": 1.5}}])", R"([{"type": "exp"}])"}) {
    for (const char* columns : {R"(["a", "b"])", R"(["a", "b", "c"])"}) {
      CAPTURE(flow);
      CAPTURE(columns);
      const auto model = made(std::string(R"({"data": {"columns": )") + columns +
                              R"(}, "base": {"type": "uniform", "low": -1, "high": 1}, "flow": )" + flow + "}");
      CHECK(failures(checked(*model)) == "");
    }
  }
}

TEST_CASE("check: a right conditional model passes, with one column and with three, and factors do") {
  const char* flow = R"("flow": [{"type": "autoregressive", "univariate": {"type": "spline"}, "net": {"hidden": [6]}}]})";
  CHECK(failures(checked(*made(std::string(R"({"data": {"columns": ["a"], "context": ["c"]}, )") + flow))) == "");
  CHECK(failures(checked(*made(std::string(R"({"data": {"columns": ["a", "b", "d"], "context": ["c"]}, )") + flow))) == "");
  CHECK(
      failures(checked(*made(
          R"({"data": {"columns": ["a", "b"]}, "factors": [{"columns": ["b"], "flow": [{"type": "elementwise", "univariate": {"type": "affine"}}]}, {"columns": ["a"], "context": ["b"], "flow": [
            {"type": "elementwise", "univariate": {"type": "affine"}}]}]})"))) == "");
}

TEST_CASE("check: a model without parameters has no gradient by them, and what layers declare widens the bounds") {
  const flow::ModelCheck check =
      checked(*made(R"({"data": {"columns": ["a"], "preprocess": "none"}, "flow": [{"type": "exp"}]})"));
  CHECK(check.ok());
  CHECK(check.tensors == 0);
  CHECK(check.round_trip.limit == doctest::Approx(1e-8));
  const auto twenty = made(
      R"({"data": {"columns": ["a", "b"]}, "flow": [{"type": "repeat", "times": 20, "layers": [{"type": "permutation", "order": "reverse"}]}]})");
  CHECK(twenty->traits().tolerance == doctest::Approx(20e-9));
  CHECK(checked(*twenty).round_trip.limit == doctest::Approx(200e-9));
}
