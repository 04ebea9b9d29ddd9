// Every base distribution: integrates to 1, samples follow it, gradients are those of differences, bits do not depend on neighbours.
#include <doctest/doctest.h>

#include "distributions/distribution.h"
#include "support/statistics.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

template <class T>
struct Base {
  config::Document document;
  nn::ParameterLayout layout;
  std::unique_ptr<distributions::Distribution<T>> base;
  std::vector<T> parameters;

  Base(const std::string& text, int features) : document(config::Json::parse(text)) {
    base = distributions::make_distribution<T>(document.root(), {layout, "base", features});
    document.check();
    for (const double v : layout.initial(1)) parameters.push_back(static_cast<T>(v));
    perturb(layout, parameters, 0.4);
  }
  Support support() const { return {base->support().first, base->support().second}; }

  Matrix<T> log_prob(const Matrix<T>& z) const {
    Tape<T> tape;
    nn::Pass<T> pass{tape, parameters.data()};
    return base->log_prob(pass, input(tape, z)).val();
  }
  Matrix<T> sample(Index rows, std::uint64_t first = 0, std::uint64_t seed = 4) const {
    Tape<T> tape;
    nn::Pass<T> pass{tape, parameters.data()};
    std::vector<std::uint64_t> ids(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = first + i;
    pass.rows = ids.data();
    return base->sample(pass, rows, {seed, core::Purpose::sample}).val();
  }
};

template <class Body>
void each_example(Body body) {
  for (const distributions::DistributionEntry& entry : distributions::distributions()) {
    CHECK(!entry.examples.empty());
    for (const std::string& example : entry.examples) {
      CAPTURE(example);
      body(example);
    }
  }
}

}  // namespace

TEST_CASE("properties: a base integrates to 1 and its samples follow it, in 1-D and 2-D") {
  each_example([](const std::string& example) {
    for (const int features : {1, 2}) {
      CAPTURE(features);
      const Base<double> base(example, features);
      const LogDensity density = [&](const Matrix<double>& z) -> Eigen::VectorXd { return base.log_prob(z); };
      const GridCheck check = check_on_grid(density, base.sample(20000, 0, 3), base.sample(20000), base.support(),
                                            features == 1 ? 40 : 10, features == 1 ? 50 : 12);
      CHECK(std::abs(check.integral - 1) <= 1e-3);
      CHECK(check.p > 1e-3);
    }
  });
}

TEST_CASE("properties: a base's gradients are those of differences") {
  each_example([](const std::string& example) {
    const Base<double> base(example, 3);
    std::vector<Matrix<double>> inputs{
        normals<double>(48, 3, 1).unaryExpr([&](double v) { return into(base.support(), v); }),
        Eigen::Map<const Matrix<double>>(base.parameters.data(), 1, static_cast<Index>(base.parameters.size()))};
    if (base.parameters.empty()) inputs.pop_back();
    const auto function = [&](Tape<double>& tape, std::span<const Var<double>> in) {
      nn::Pass<double> pass{tape, in.back().value, in.back().adjoint};
      return std::vector<Var<double>>{base.base->log_prob(pass, in[0])};
    };
    CHECK(autodiff::check_vjp(function, inputs) == "");
  });
}

TEST_CASE("properties: a base draws rows by their ids alone, and float32 draws are float64 ones, cast") {
  each_example([](const std::string& example) {
    const Base<double> base(example, 3);
    const Base<float> small(example, 3);
    const Matrix<double> all = base.sample(2 * block), tail = base.sample(block, block);
    CHECK(same_bits<double>(all.bottomRows(block), tail));
    CHECK((all.cast<float>() - small.sample(2 * block)).cwiseAbs().maxCoeff() <= 1e-5);
    CHECK(!same_bits(base.sample(block), base.sample(block, 0, 5)));
    const Matrix<double> log_p = base.log_prob(all);
    CHECK(same_bits<double>(base.log_prob(all.bottomRows(block)), log_p.bottomRows(block)));
    CHECK(log_p.allFinite());
  });
}

TEST_CASE("properties: outside its support a base scores −inf") {
  each_example([](const std::string& example) {
    const Base<float> base(example, 2);
    if (std::isinf(base.support().high)) return;
    Matrix<float> z = Matrix<float>::Constant(block, 2, static_cast<float>(base.support().low));
    z.col(1).setConstant(static_cast<float>(base.support().high) + 1);
    CHECK((base.log_prob(z).array() == -std::numeric_limits<float>::infinity()).all());
  });
}
