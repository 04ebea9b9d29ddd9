// Every transform: gradients against differences in both directions, and what 50 steps of training move.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support/subject.h"
#include "transforms/univariate.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

// Puts packed numbers at their places in the parameter vector.
void unpack(Tape<double>& tape, Var<double> packed, Var<double> all, const Index* places) {
  for (Index i = 0; i < packed.size(); ++i) all.value[places[i]] = packed.value[i];
  if (!all.wants_grad()) return;
  tape.on_backward([=] {
    for (Index i = 0; i < packed.size(); ++i) packed.adjoint[i] += all.adjoint[places[i]];
  });
}

// 50 steps of Adam (Kingma, Ba 2015) on −log p(inverse(x)) − log_det, p a normal with another scale in each column: to a standard one all rotations are
// alike. Gives how far each parameter has been from its start.
std::vector<double> train(Subject<double>& subject) {
  const Index rows = 5 * block;
  const Matrix<double> context = subject.context(2, rows);
  // Wide, skewed, correlated, and dependent on the context, so that each parameter has something to learn.
  Matrix<double> x = subject.rows(true, 1, 2.0, rows);
  for (Index j = 0; j < x.cols(); ++j) {
    x.col(j).array() += 0.3 + 0.1 * x.col(j).array().square().min(9.0);
    if (j > 0) x.col(j).array() += 0.3 * x.col(j - 1).array() + 0.2 * x.col(j - 1).array().sin();
    for (Index c = 0; c < context.cols(); ++c) x.col(j).array() += 0.4 * context.col(c).array() * (1 + 0.2 * x.col(j).array());
  }
  const std::vector<double> start = subject.parameters;
  std::vector<double> first(start.size(), 0), second(start.size(), 0), farthest(start.size(), 0);
  Tape<double> tape;
  for (int step = 1; step <= 50; ++step) {
    tape.reset(Mode::differentiate);
    std::vector<double> gradient(start.size(), 0.0);
    nn::Pass<double> pass{tape, subject.parameters.data(), gradient.data()};
    const Mapped<double> m =
        subject.apply(pass, input(tape, x), context.cols() == 0 ? Var<double>{} : input(tape, context), true);
    for (Index j = 0; j < x.cols(); ++j) m.value.adj().col(j) = (1 + 0.5 * static_cast<double>(j)) * m.value.val().col(j);
    if (m.log_det.wants_grad()) m.log_det.adj().setConstant(-1);
    tape.backward();
    for (std::size_t i = 0; i < start.size(); ++i) {
      first[i] = 0.9 * first[i] + 0.1 * gradient[i];
      second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
      subject.parameters[i] -=
          0.01 * (first[i] / (1 - std::pow(0.9, step))) / (std::sqrt(second[i] / (1 - std::pow(0.999, step))) + 1e-12);
      farthest[i] = std::max(farthest[i], std::abs(subject.parameters[i] - start[i]));
    }
  }
  return farthest;
}

}  // namespace

TEST_CASE("properties: gradients by input, context and every parameter are those of differences") {
  for (const Case& one : cases()) {
    Subject<double> subject(one);
    subject.perturb();
    const auto& slots = subject.layout().parameters();
    std::vector<std::vector<Index>> places;
    for (const nn::Parameter& p : slots) places.push_back(free_places(p));
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      std::vector<Matrix<double>> inputs{subject.rows(inverse)};
      if (one.context > 0) inputs.push_back(subject.context());
      const std::size_t first = inputs.size();
      for (const std::vector<Index>& list : places) {
        inputs.emplace_back(static_cast<Index>(list.size()), 1);
        for (std::size_t i = 0; i < list.size(); ++i)
          inputs.back()(static_cast<Index>(i)) = subject.parameters[static_cast<std::size_t>(list[i])];
      }
      const auto function = [&](Tape<double>& tape, std::span<const Var<double>> in) {
        const Var<double> all = tape.make(1, std::max<Index>(subject.layout().size(), 1), true);
        std::ranges::copy(subject.parameters, all.value);
        for (std::size_t k = 0; k < places.size(); ++k) unpack(tape, in[first + k], all, places[k].data());
        nn::Pass<double> pass{tape, all.value, all.adjoint};
        const Mapped<double> m = subject.apply(pass, in[0], one.context > 0 ? in[1] : Var<double>{}, inverse);
        return std::vector<Var<double>>{m.value, m.log_det};
      };
      CHECK(autodiff::check_vjp(function, inputs, {.tolerance = 2e-6, .directions = 2}) == "");
    }
  }
}

TEST_CASE("properties: after 50 steps every free parameter has moved, and no masked one") {
  for (const Case& one : cases()) {
    Subject<double> subject(one);
    if (std::ranges::all_of(subject.layout().parameters(), &nn::Parameter::buffer)) continue;
    // That its options are learned shows in one scheme; the first example is in all.
    if (one.further && one.type != "elementwise") continue;
    CAPTURE(one.name());
    const std::vector<double> farthest = train(subject);
    for (const nn::Parameter& p : subject.layout().parameters()) {
      const std::vector<Index> places = free_places(p);
      std::vector<bool> is_free(static_cast<std::size_t>(p.size), false);
      for (const Index i : places) is_free[static_cast<std::size_t>(i - p.offset)] = true;
      Index still = 0, leaked = 0;
      for (Index i = 0; i < p.size; ++i) {
        const auto at = static_cast<std::size_t>(p.offset + i);
        CHECK(std::isfinite(subject.parameters[at]));
        const double moved = farthest[at];
        if (is_free[static_cast<std::size_t>(i)] ? moved < 1e-4 : moved != 0)
          ++(is_free[static_cast<std::size_t>(i)] ? still : leaked);
      }
      CAPTURE(p.name);
      CHECK(still == 0);
      CHECK(leaked == 0);
    }
  }
}

TEST_CASE("properties: exchangeable components of a univariate are that, and have parted after 50 steps") {
  for (const transforms::UnivariateEntry& entry : transforms::univariates()) {
    for (const std::string& example : entry.examples) {
      CAPTURE(example);
      config::Document document(config::Json::parse(example));
      const std::vector<transforms::Exchangeable> groups = transforms::make_univariate<double>(document.root())->exchangeable();
      const Case alone{"elementwise", R"({"type": "elementwise", "univariate": )" + example + "}", 1};
      Subject<double> trained(alone);
      const std::vector<double> start = trained.parameters;
      if (!groups.empty()) train(trained);
      for (const transforms::Exchangeable& components : groups) {
        for (std::size_t a = 0; a < components.size(); ++a) {
          for (std::size_t b = 0; b < a; ++b) {
            CAPTURE(a);
            CAPTURE(b);
            REQUIRE(components[a].size() == components[b].size());
            // Another way each, not the distance that they started with.
            double apart = 0;
            for (std::size_t i = 0; i < components[a].size(); ++i) {
              const auto at = static_cast<std::size_t>(components[a][i]), of = static_cast<std::size_t>(components[b][i]);
              apart = std::max(apart, std::abs((trained.parameters[at] - start[at]) - (trained.parameters[of] - start[of])));
            }
            CHECK(apart > 1e-4);
          }
        }
        Subject<double> one(alone), other(alone);
        one.perturb();
        other.parameters = one.parameters;
        for (std::size_t i = 0; i < components.front().size(); ++i)
          std::swap(other.parameters[static_cast<std::size_t>(components.front()[i])],
                    other.parameters[static_cast<std::size_t>(components.back()[i])]);
        const Matrix<double> x = one.rows(true);
        const Output<double> y = one.run(true, x, {}), z = other.run(true, x, {});
        CHECK((y.value - z.value).cwiseAbs().maxCoeff() < 1e-9);
        CHECK((y.log_det - z.log_det).cwiseAbs().maxCoeff() < 1e-9);
      }
    }
  }
}
