// Every base distribution: integrates to 1, samples follow it, gradients are those of differences, bits do not depend on neighbours.
#include <doctest/doctest.h>

#include "distributions/distribution.h"
#include "support/allocations.h"
#include "support/statistics.h"

using namespace flowfit;
using namespace flowfit::test;
using distributions::Example;

namespace {

template <class T>
struct Base {
  config::Document document;
  nn::ParameterLayout layout;
  std::unique_ptr<distributions::Distribution<T>> base;
  int context;
  std::vector<T> parameters;

  Base(const Example& example, int features, double perturbation = 0.4)
      : document(config::Json::parse(example.config)), context(example.context) {
    std::vector<std::string> names;
    for (int d = 0; d < features; ++d) names.push_back("x" + std::to_string(d + 1));
    base = distributions::make_distribution<T>(document.root(), {layout, "base", features, context, names});
    document.check();
    for (const double v : layout.initial(1)) parameters.push_back(static_cast<T>(v));
    if (perturbation > 0) perturb(layout, parameters, perturbation);
  }
  Support support() const { return {base->support().first, base->support().second}; }
  bool bounded() const { return std::isfinite(support().high); }

  /// Rows of context, or none.
  Matrix<T> given(Index rows, std::uint32_t epoch = 2) const { return normals<T>(rows, context, epoch); }
  Var<T> on(Tape<T>& tape, const Matrix<T>& m) const { return m.cols() == 0 ? Var<T>{} : input(tape, m); }

  Matrix<T> log_prob(const Matrix<T>& z, const Matrix<T>& looks_at, Mode mode = Mode::evaluate) const {
    Tape<T> tape(mode);
    std::vector<T> gradient(parameters.size());
    nn::Pass<T> pass{tape, parameters.data(), gradient.data()};
    return base->log_prob(pass, input(tape, z, true), on(tape, looks_at)).val();
  }
  Matrix<T> sample(const Matrix<T>& looks_at, std::uint64_t first = 0, std::uint64_t seed = 4) const {
    Tape<T> tape;
    nn::Pass<T> pass{tape, parameters.data()};
    std::vector<std::uint64_t> ids(static_cast<std::size_t>(looks_at.rows()));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = first + i;
    pass.rows = ids.data();
    return base->sample(pass, looks_at.rows(), on(tape, looks_at), {seed, core::Purpose::sample}).val();
  }
  double nll(const Matrix<T>& z) const { return -static_cast<double>(log_prob(z, given(z.rows())).mean()); }
};

template <class Body>
void each_example(Body body) {
  for (const distributions::DistributionEntry& entry : distributions::distributions()) {
    CHECK(!entry.examples.empty());
    for (const Example& example : entry.examples) {
      CAPTURE(example.config);
      body(example);
    }
  }
}

}  // namespace

TEST_CASE("properties: a base integrates to 1 and its samples follow it, in 1-D and 2-D") {
  each_example([](const Example& example) {
    for (const int features : {1, 2}) {
      CAPTURE(features);
      const Base<double> base(example, features);
      // One context for all rows; and z = sinh(u) where the support is the line, so that a grid reaches to the end of a heavy tail.
      const auto one_context = [&](Index rows) -> Matrix<double> {
        return Eigen::RowVectorXd::LinSpaced(base.context, 0.7, -0.4).replicate(rows, 1);
      };
      const LogDensity density = [&](const Matrix<double>& u) -> Eigen::VectorXd {
        if (base.bounded()) return base.log_prob(u, one_context(u.rows()));
        return base.log_prob(u.array().sinh(), one_context(u.rows())) + u.array().cosh().log().matrix().rowwise().sum();
      };
      const auto sample = [&](std::uint64_t seed) -> Matrix<double> {
        const Matrix<double> z = base.sample(one_context(20000), 0, seed);
        return base.bounded() ? z : Matrix<double>(z.unaryExpr([](double v) { return std::asinh(v); }));
      };
      const GridCheck check =
          check_on_grid(density, sample(3), sample(4), base.support(), features == 1 ? 40 : 10, features == 1 ? 50 : 12);
      CHECK(std::abs(check.integral - 1) <= 1e-3);
      CHECK(check.p > 1e-3);
    }
  });
}

TEST_CASE("properties: a base's gradients are those of differences") {
  each_example([](const Example& example) {
    const Base<double> base(example, 3);
    std::vector<Matrix<double>> inputs{normals<double>(48, 3, 1).unaryExpr([&](double v) { return into(base.support(), v); })};
    if (base.context > 0) inputs.push_back(base.given(48));
    if (!base.parameters.empty())
      inputs.push_back(Eigen::Map<const Matrix<double>>(base.parameters.data(), 1, static_cast<Index>(base.parameters.size())));
    const auto function = [&](Tape<double>& tape, std::span<const Var<double>> in) {
      nn::Pass<double> pass{tape, in.back().value, in.back().adjoint};
      return std::vector<Var<double>>{base.base->log_prob(pass, in[0], base.context > 0 ? in[1] : Var<double>{})};
    };
    CHECK(autodiff::check_vjp(function, inputs) == "");
  });
}

TEST_CASE("properties: a base draws rows by their ids alone, and float32 draws are float64 ones, cast") {
  each_example([](const Example& example) {
    const Base<double> base(example, 3);
    const Base<float> small(example, 3);
    const Matrix<double> context = base.given(2 * block);
    // Without columns there is no memory to point into.
    const auto half = [&](Index from) -> Matrix<double> {
      if (context.cols() == 0) return Matrix<double>(block, 0);
      return context.middleRows(from, block);
    };
    const Matrix<double> first = half(0), last = half(block);
    const Matrix<double> all = base.sample(context), tail = base.sample(last, block);
    CHECK(same_bits<double>(all.bottomRows(block), tail));
    const Matrix<double> cast = small.sample(context.cast<float>()).cast<double>();
    CHECK(((all - cast).array().abs() / (1 + all.array().abs())).maxCoeff() <= 1e-5);
    CHECK(!same_bits(base.sample(first), base.sample(first, 0, 5)));
    const Matrix<double> log_p = base.log_prob(all, context);
    CHECK(same_bits<double>(base.log_prob(tail, last), log_p.bottomRows(block)));
    CHECK(same_bits<double>(base.log_prob(all, context, Mode::differentiate), log_p));
    CHECK(log_p.allFinite());
  });
}

TEST_CASE("properties: outside its support a base scores −inf, with no gradient; far out it stays finite, in float32 too") {
  each_example([](const Example& example) {
    const Base<float> base(example, 2);
    Matrix<float> z = Matrix<float>::Constant(block, 2, 1e6f);
    z.col(1) = -z.col(0);
    if (base.bounded()) {
      z.setConstant(static_cast<float>(base.support().low));
      z.col(1).setConstant(static_cast<float>(base.support().high) + 1);
    }
    Tape<float> tape(Mode::differentiate);
    std::vector<float> gradient(base.parameters.size(), 0.0f);
    nn::Pass<float> pass{tape, base.parameters.data(), gradient.data()};
    const Var<float> in = input(tape, z, true);
    const Var<float> y = base.base->log_prob(pass, in, base.on(tape, base.given(block)));
    if (y.wants_grad()) y.adj().setConstant(1);
    const Matrix<float> log_p = y.val();
    tape.backward();
    CHECK(in.adj().allFinite());
    for (const float v : gradient) CHECK(std::isfinite(v));
    if (!base.bounded()) {
      CHECK(log_p.allFinite());
      return;
    }
    CHECK((log_p.array() == -std::numeric_limits<float>::infinity()).all());
    CHECK(in.adj().isZero(0));
  });
}

TEST_CASE("properties: a base that starts from data scores it as well as the parameters that drew it, and the same twice") {
  int met = 0;
  each_example([&](const Example& example) {
    const Base<double> truth(example, 2);
    Base<double> base(example, 2, 0);
    if (!base.base->needs_initialize()) return;
    ++met;
    constexpr Index n = 40 * block;
    const Matrix<double> rows = truth.sample(truth.given(n));
    const auto start = [&](const Matrix<double>& from, std::uint64_t seed) {
      Base<double> fresh(example, 2, 0);
      fresh.base->initialize(fresh.parameters, {from.data(), static_cast<std::size_t>(from.size())}, from.rows(),
                             {seed, core::Purpose::initialize, 1});
      return fresh.parameters;
    };
    base.parameters = start(rows, 1);
    CHECK(base.parameters == start(rows, 1));
    CHECK(base.nll(rows) <= truth.nll(rows) + 0.1);
    // Rows that no flow reaches, constant columns, and fewer rows than anything leave finite parameters.
    Matrix<double> bad = rows.topRows(3);
    bad(0, 0) = std::numeric_limits<double>::infinity();
    bad.col(1).setConstant(2);
    for (const Matrix<double>& few : {bad, Matrix<double>(bad.topRows(1))}) {
      for (const double v : start(few, 1)) CHECK(std::isfinite(v));
    }
  });
  CHECK(met >= 8);
}

TEST_CASE("properties: a warm pass of a base makes no heap allocation") {
  if (!counts_allocations()) return;
  each_example([](const Example& example) {
    const Base<float> base(example, 3);
    Tape<float> tape(Mode::differentiate);
    std::vector<float> gradient(base.parameters.size());
    std::vector<std::uint64_t> ids(block, 3);
    const Matrix<float> context = base.given(block);
    const auto run = [&] {
      tape.reset(Mode::differentiate);
      nn::Pass<float> pass{tape, base.parameters.data(), gradient.data()};
      pass.rows = ids.data();
      const Var<float> given = base.on(tape, context);
      const Var<float> y = base.base->log_prob(pass, base.base->sample(pass, block, given, {1, core::Purpose::sample}), given);
      if (y.wants_grad()) y.adj().setConstant(1);
      tape.backward();
    };
    run();
    run();
    const std::size_t before = allocations();
    run();
    CHECK(allocations() == before);
  });
}
