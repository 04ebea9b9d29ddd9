// Every transform of one or two columns on a base: the density integrates to 1, and samples follow it.
#include <doctest/doctest.h>

#include "flow/flow.h"
#include "support/statistics.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

class Stack {
 public:
  Stack(const Case& one, const std::string& base)
      : one_(one), layers_(config::Json::array({config::Json::parse(one.config)})), base_(config::Json::parse(base)) {
    flow_ = std::make_unique<flow::Flow<double>>(layers_.root(), base_.root(), "", layout_, one.features, one.context, 3);
    if (!ok()) return;
    parameters_ = layout_.initial(5);
    perturb(layout_, parameters_, 0.2);
  }

  bool ok() const { return layers_.ok() && base_.ok(); }
  Support support(const Support& base) const { return flow_->layers().front()->image(base); }

  Eigen::VectorXd log_prob(const Matrix<double>& x) const {
    tape_.reset(Mode::evaluate);
    nn::Pass<double> pass{tape_, parameters_.data()};
    return flow_->log_prob(pass, input(tape_, x), context(x.rows())).val();
  }
  Matrix<double> sample(Index rows, std::uint64_t seed) const {
    tape_.reset(Mode::evaluate);
    nn::Pass<double> pass{tape_, parameters_.data()};
    std::vector<std::uint64_t> ids(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
    pass.rows = ids.data();
    return flow_->sample(pass, rows, context(rows), {seed, core::Purpose::sample}).val();
  }

 private:
  // One context for all rows: the density given it.
  Var<double> context(Index rows) const {
    if (one_.context == 0) return {};
    return input<double>(tape_, Eigen::RowVectorXd::LinSpaced(one_.context, 0.7, -0.4).replicate(rows, 1));
  }
  Case one_;
  config::Document layers_, base_;
  nn::ParameterLayout layout_;
  std::unique_ptr<flow::Flow<double>> flow_;
  std::vector<double> parameters_;
  mutable Tape<double> tape_;
};

void check_density(int features, const std::string& base, const Support& base_support, Index cells, Index fine) {
  int met = 0;
  for (const Case& one : cases()) {
    if (one.features != features) continue;
    // A univariate's further examples are densities in one scheme; that a scheme's log_det is right for them, the Jacobian's test says.
    if (one.further && one.type != "elementwise") continue;
    const Stack stack(one, base);
    if (!stack.ok()) continue;  // supports that do not chain
    ++met;
    CAPTURE(one.name());
    CAPTURE(base);
    const LogDensity density = [&](const Matrix<double>& x) { return stack.log_prob(x); };
    const Support support = stack.support(base_support);
    const Matrix<double> guide = stack.sample(20000, 3);
    GridCheck check = check_on_grid(density, guide, stack.sample(20000, 4), support, cells, fine);
    // A finer grid for a density with spikes, and another seed for bad luck: what is wrong fails this too.
    if (std::abs(check.integral - 1) > 0.002 || check.p <= 1e-3)
      check = check_on_grid(density, guide, stack.sample(20000, 5), support, cells, 4 * fine);
    CHECK(std::abs(check.integral - 1) <= 0.002);
    CHECK(check.p > 1e-3);
  }
  CHECK((filtered() || met > 0));
}

}  // namespace

TEST_CASE("properties: in 1-D a flow integrates to 1 and samples follow it") {
  check_density(1, R"({"type": "normal"})", {}, 40, 100);
  check_density(1, R"({"type": "diagonal_normal"})", {}, 40, 100);
}

TEST_CASE("properties: in 2-D a flow integrates to 1 and samples follow it") {
  check_density(2, R"({"type": "normal"})", {}, 10, 12);
}
