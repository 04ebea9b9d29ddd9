// Densities of whole configs: chains of supports, factors, encoding and decoding, starts from data.
#include "flow/density.h"

#include <doctest/doctest.h>

#include <Eigen/LU>

#include "../core/scratch.h"
#include "core/error.h"
#include "support/statistics.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

struct Model {
  config::Document document;
  nn::ParameterLayout layout;
  std::unique_ptr<flow::Density<double>> density;
  std::vector<double> parameters;
  mutable Tape<double> tape;
  std::vector<std::uint64_t> ids;

  Model(const char* text, std::vector<std::string> columns, std::vector<std::string> context = {})
      : document(config::Json::parse(text)), ids(20000) {
    density = std::make_unique<flow::Density<double>>(document.root(), numbers(columns), numbers(context), layout, 1);
    parameters = layout.initial(1);
    perturb(layout, parameters, 0.2);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
  }
  static std::vector<data::ColumnSpec> numbers(const std::vector<std::string>& names) {
    std::vector<data::ColumnSpec> specs;
    for (const std::string& name : names) specs.push_back({.name = name});
    return specs;
  }
  std::string fault() const {
    return test::thrown<core::ConfigError>([&] { document.check(); });
  }
  nn::Pass<double> pass() const {
    tape.reset(Mode::evaluate);
    nn::Pass<double> p{tape, parameters.data()};
    p.rows = ids.data();
    return p;
  }
  Var<double> given(const Matrix<double>& context) const { return context.cols() ? input(tape, context) : Var<double>{}; }
  Matrix<double> log_prob(const Matrix<double>& x, const Matrix<double>& context = {}) const {
    auto p = pass();
    return density->log_prob(p, input(tape, x), given(context)).val();
  }
  Matrix<double> sample(Index rows, std::uint64_t seed, const Matrix<double>& context = {}) const {
    auto p = pass();
    return density->sample(p, rows, given(context), seed).val();
  }
};

constexpr const char* spline = R"({"type": "spline", "bins": 4, "bound": 3})";
const std::string factored = std::string(R"({"factors": [
    {"columns": ["b"], "flow": [{"type": "elementwise", "univariate": )") +
                             spline + R"(}]},
    {"columns": ["a"], "context": ["b"], "base": {"type": "diagonal_normal"},
     "flow": [{"type": "elementwise", "univariate": {"type": "affine"}, "net": {"hidden": [6], "activation": "tanh"}}]}]})";

}  // namespace

TEST_CASE("density: factors integrate to 1 together, and are sampled in order") {
  const Model model(factored.c_str(), {"a", "b"});
  REQUIRE(model.document.ok());
  const LogDensity density = [&](const Matrix<double>& x) -> Eigen::VectorXd { return model.log_prob(x); };
  const GridCheck check = check_on_grid(density, model.sample(20000, 1), model.sample(20000, 2), {}, 10, 12);
  CHECK(std::abs(check.integral - 1) < 0.002);
  CHECK(check.p > 1e-3);
  // Column b is scored without a; column a given b.
  const Matrix<double> x = normals<double>(block, 2, 1);
  Matrix<double> moved = x;
  moved.col(1).array() += 1;
  CHECK((model.log_prob(x) - model.log_prob(moved)).cwiseAbs().minCoeff() > 0);
}

TEST_CASE("density: a single factor keeps the order of its columns, and sees only what it is given") {
  const std::string flow = R"("flow": [{"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [5]}}]}]})";
  const Model turned((R"({"factors": [{"columns": ["b", "a"], )" + flow).c_str(), {"a", "b"}),
      plain((R"({"factors": [{"columns": ["a", "b"], )" + flow).c_str(), {"a", "b"});
  const Matrix<double> x = normals<double>(block, 2, 1);
  Matrix<double> swapped = x;
  swapped.col(0).swap(swapped.col(1));
  CHECK(plain.log_prob(swapped).isApprox(turned.log_prob(x), 1e-12));
  CHECK_FALSE(plain.log_prob(x).isApprox(turned.log_prob(x), 1e-3));
  auto p = turned.pass();
  const auto back = turned.density->decode(p, turned.density->encode(p, input(turned.tape, x), {}).value, {});
  CHECK(back.value.val().isApprox(x, 1e-9));
  // Of the context's two columns the factor is to see the second.
  const Model one((R"({"factors": [{"columns": ["a", "b"], "context": ["d"], )" + flow).c_str(), {"a", "b"}, {"c", "d"});
  Matrix<double> given = normals<double>(block, 2, 2), other = given;
  other.col(0).array() += 1;
  CHECK(one.log_prob(x, other).isApprox(one.log_prob(x, given), 1e-14));
  other.col(1).array() += 1;
  CHECK_FALSE(one.log_prob(x, other).isApprox(one.log_prob(x, given), 1e-3));
}

TEST_CASE("density: decode undoes encode, log-dets and all, with factors and context") {
  const std::string with_context =
      std::string(R"({"flow": [{"type": "coupling", "univariate": )") + spline +
      R"(}, {"type": "permutation"}, {"type": "autoregressive", "univariate": {"type": "affine"}}]})";
  const Model plain(with_context.c_str(), {"a", "b", "c"}, {"k"}), factors(factored.c_str(), {"a", "b"});
  REQUIRE(plain.document.ok());
  for (const Model* model : {&plain, &factors}) {
    const bool conditional = model == &plain;
    const Matrix<double> x = normals<double>(block, conditional ? 3 : 2, 1),
                         context = normals<double>(block, conditional ? 1 : 0, 2);
    auto p = model->pass();
    const Var<double> given = model->given(context);
    const Mapped<double> z = model->density->encode(p, input(model->tape, x), given),
                         back = model->density->decode(p, z.value, given);
    CHECK((back.value.val() - x).isZero(1e-10));
    CHECK((back.log_det.val() + z.log_det.val()).isZero(1e-10));
  }
  const Matrix<double> x = normals<double>(block, 3, 1), context = normals<double>(block, 1, 2);
  CHECK((plain.log_prob(x, context) - plain.log_prob(x, context.array() + 1)).cwiseAbs().minCoeff() > 0);
}

TEST_CASE("density: an empty flow is its base") {
  const Model model(R"({"flow": []})", {"a", "b"});
  const Matrix<double> x = normals<double>(block, 2, 1);
  const Matrix<double> expected = -0.5 * x.rowwise().squaredNorm().array() - std::log(2 * std::numbers::pi);
  CHECK((model.log_prob(x) - expected).isZero(1e-13));
}

TEST_CASE("density: by column, a term is a density of its column, wherever a layer between moves the columns to") {
  const std::string text = R"({"flow": [{"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [6]}},
      {"type": "permutation", "order": "reverse"}, {"type": "elementwise", "univariate": )" +
                           std::string(spline) + "}]}";
  const Model model(text.c_str(), {"a", "b"});
  const flow::Conditionals split = model.density->conditionals();
  REQUIRE(split.reason.empty());
  constexpr Index n = 9600;
  for (const int d : split.order) {
    CAPTURE(d);
    Matrix<double> x = normals<double>(1, 2, 1).replicate(n, 1);
    x.col(d) = Eigen::VectorXd::LinSpaced(n, -12, 12);
    auto p = model.pass();
    const Matrix<double> terms = model.density->log_prob_by_column(p, input(model.tape, x), {}).val();
    CHECK(terms.col(d).array().exp().sum() * 24 / (n - 1) == doctest::Approx(1).epsilon(1e-4));
    CHECK((terms.rowwise().sum() - model.log_prob(x)).isZero(1e-12));
    if (d == split.order.back()) CHECK((terms.col(1 - d).array() == terms(0, 1 - d)).all());
  }
}

TEST_CASE("density: layers start from the data that arrives at them") {
  core::ThreadPool pool(2);
  for (const Index n : {50, 2000}) {  // not whole blocks
    Model model(R"({"flow": [{"type": "act_norm"}, {"type": "affine_fixed", "loc": 3, "scale": 2}, {"type": "act_norm"}]})",
                {"a", "b"});
    Matrix<double> x = normals<double>(n, 2, 1);
    x.col(0) = 9 * x.col(0).array() + 100;
    model.density->initialize(model.parameters, std::span<const double>(x.data(), static_cast<std::size_t>(2 * n)), {}, n, 1,
                              pool);
    auto p = model.pass();
    const Matrix<double> z = model.density->encode(p, input(model.tape, x), {}).value.val();
    CHECK(z.colwise().mean().isZero(1e-12));
    CHECK((z.cwiseAbs2().colwise().mean().array() - 1).isZero(1e-12));
  }
}

TEST_CASE("density: supports that do not chain, and faults of factors, are told") {
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(has(Model(R"({"flow": [{"type": "exp", "inverse": true}]})", {"a"}).fault(), "/flow/0: expected numbers in (0, inf)"));
  CHECK(Model(R"({"flow": [{"type": "exp"}, {"type": "exp", "inverse": true}]})", {"a"}).document.ok());
  CHECK(has(Model(R"({"base": {"type": "normal"}})", {"a"}).fault(), "/flow"));
  CHECK(has(Model(R"({"flow": [], "factors": []})", {"a"}).fault(), "both"));
  CHECK(has(Model(R"({"factors": [{"columns": ["a"], "flow": []}]})", {"a", "b"}).fault(), "\"b\" is in no factor"));
  CHECK(has(Model(R"({"factors": [{"columns": ["a", "b"], "flow": []}, {"columns": ["b"], "flow": []}]})", {"a", "b"}).fault(),
            "another factor"));
  CHECK(
      has(Model(R"({"factors": [{"columns": ["a"], "context": ["b"], "flow": []}, {"columns": ["b"], "flow": []}]})", {"a", "b"})
              .fault(),
          "known here"));
  CHECK(has(Model(R"({"factors": [{"columns": [], "flow": []}]})", {"a"}).fault(), "at least one column"));
}

TEST_CASE("density: a base starts from the data that arrives at it, each factor's apart, and looks at the context") {
  Model model(
      R"({"factors": [{"columns": ["a", "b"], "flow": [{"type": "affine_fixed", "loc": 3, "scale": 2}], "base": {"type": "multivariate_normal"}},
                              {"columns": ["c"], "context": ["a"], "flow": [],
                               "base": {"type": "columns", "columns": {"c": {"type": "conditional_normal"}}}}]})",
      {"a", "b", "c"});
  REQUIRE(model.document.ok());
  constexpr Index n = 50;
  Matrix<double> x = normals<double>(n, 3, 1);
  x.col(1) += 0.8 * x.col(0);
  core::ThreadPool pool(1);
  model.density->initialize(model.parameters, std::span<const double>(x.data(), 3 * n), {}, n, 1, pool);
  // The first factor has the data's moments: no other normal scores these rows better.
  const Matrix<double> two = x.leftCols(2), centered = two.rowwise() - two.colwise().mean();
  const Matrix<double> covariance = centered.transpose() * centered / n;
  const auto first = std::ranges::find(model.layout.parameters(), "factors.0.base.loc", &nn::Parameter::name);
  REQUIRE(first != model.layout.parameters().end());
  CHECK(model.parameters[static_cast<std::size_t>(first->offset)] == doctest::Approx((two.col(0).mean() - 3) / 2));
  Matrix<double> moved = x;
  moved.col(0).array() += 1;
  const Matrix<double> change = model.log_prob(moved) - model.log_prob(x);
  const Eigen::Matrix2d precision = covariance.inverse();
  const Eigen::VectorXd expected = -(centered * precision.col(0)).array() - 0.5 * precision(0, 0);
  // The second factor's share is what its context does.
  CHECK((change - expected).cwiseAbs().maxCoeff() > 1e-6);
  for (const nn::Parameter& p : model.layout.parameters()) {
    if (p.name.find("columns.c.net") != std::string::npos) std::fill_n(model.parameters.begin() + p.offset, p.size, 0.0);
  }
  CHECK((model.log_prob(moved) - model.log_prob(x) - expected).isZero(1e-10));
}
