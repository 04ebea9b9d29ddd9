// Every base distribution that another package has too, in float64: log densities and gradients are those of tests/golden/distributions.
#include "support/golden.h"

#include <doctest/doctest.h>

#include "distributions/distribution.h"

using namespace flowfit;
using namespace flowfit::test;

TEST_CASE("golden: bases give the log densities and gradients of other packages") {
  const std::vector<Golden> all = goldens("distributions");
  CHECK((filtered() || !all.empty()));
  for (const Golden& golden : all) {
    CAPTURE(golden.name);
    const bool given = golden.json.contains("context");
    const Matrix<double> context = given ? golden_block(golden.json.at("context")) : Matrix<double>(block, 0);
    const int features = golden.json.at("features").get<int>();
    const config::Document document(golden.json.at("base"));
    nn::ParameterLayout layout;
    std::vector<std::string> names;
    for (int d = 0; d < features; ++d) names.push_back("x" + std::to_string(d + 1));
    const auto base = distributions::make_distribution<double>(
        document.root(), {layout, "base", features, static_cast<int>(context.cols()), names});
    document.check();
    std::vector<double> parameters = golden_parameters(golden, layout, "base"), gradient(parameters.size());
    const config::Json& expected = golden.json.at("log_prob");
    Tape<double> tape(Mode::differentiate);
    nn::Pass<double> pass{tape, parameters.data(), gradient.data()};
    const Var<double> x = input(tape, golden_block(expected.at("x")), true),
                      looks_at = given ? input(tape, context, true) : Var<double>{};
    const Var<double> log_prob = base->log_prob(pass, x, looks_at);
    compare_golden(golden, "log_prob", expected.at("value"), log_prob.val());
    golden_seed(expected.at("value_adjoint"), log_prob);
    tape.backward();
    compare_golden(golden, "gradient of x", expected.at("x_gradient"), x.adj());
    if (given) compare_golden(golden, "gradient of context", expected.at("context_gradient"), looks_at.adj());
    compare_golden_gradients(golden, "log_prob", expected.value("gradients", config::Json::object()), layout, "base", gradient);
  }
}
