// Every transform that another package has too, in float64: values, log-determinants and gradients are those of tests/golden/transforms.
#include "support/golden.h"

#include <doctest/doctest.h>

using namespace flowfit;
using namespace flowfit::test;

TEST_CASE("golden: transforms give the values, log-determinants and gradients of other packages") {
  const std::vector<Golden> all = goldens("transforms");
  CHECK((filtered() || !all.empty()));
  for (const Golden& golden : all) {
    CAPTURE(golden.name);
    const bool given = golden.json.contains("context");
    const Matrix<double> context = given ? golden_block(golden.json.at("context")) : Matrix<double>(block, 0);
    const int features = golden.json.at("features").get<int>();
    const Subject<double> subject({golden.name, golden.json.at("layer").dump(), features, static_cast<int>(context.cols())});
    subject.document().check();
    std::vector<double> parameters = golden_parameters(golden, subject.layout(), "layer"), gradient(parameters.size());
    for (const std::string direction : {"forward", "inverse"}) {
      if (!golden.json.contains(direction)) continue;
      CAPTURE(direction);
      const config::Json& expected = golden.json.at(direction);
      std::ranges::fill(gradient, 0.0);
      Tape<double> tape(Mode::differentiate);
      nn::Pass<double> pass{tape, parameters.data(), gradient.data()};
      const Var<double> x = input(tape, golden_block(expected.at("x")), true),
                        looks_at = given ? input(tape, context, true) : Var<double>{};
      const Mapped<double> m = subject.apply(pass, x, looks_at, direction == "inverse");
      compare_golden(golden, direction + " value", expected.at("value"), m.value.val());
      compare_golden(golden, direction + " log_det", expected.at("log_det"), m.log_det.val());
      golden_seed(expected.at("value_adjoint"), m.value);
      golden_seed(expected.at("log_det_adjoint"), m.log_det);
      tape.backward();
      compare_golden(golden, direction + " gradient of x", expected.at("x_gradient"), x.adj());
      if (given) compare_golden(golden, direction + " gradient of context", expected.at("context_gradient"), looks_at.adj());
      compare_golden_gradients(golden, direction, expected.value("gradients", config::Json::object()), subject.layout(), "layer",
                               gradient);
    }
  }
}
