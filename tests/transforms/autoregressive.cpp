// autoregressive: a Jacobian that is exactly zero where a column may not be seen, for every univariate, order, number of passes and direction.
#include <doctest/doctest.h>

#include "../core/scratch.h"
#include "core/error.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

TEST_CASE("autoregressive: the Jacobian is exactly block-triangular in the config's order, both ways") {
  int met = 0;
  for (const Case& one : cases()) {
    if (one.type != "autoregressive") continue;
    Subject<double> subject(one);
    subject.perturb();
    const config::Json order_json = subject.document().resolved().at("order");
    std::vector<int> order(static_cast<std::size_t>(one.features));
    for (std::size_t d = 0; d < order.size(); ++d) {
      const int place = static_cast<int>(d);
      order[d] = order_json.is_array() ? order_json[d].get<int>() : (order_json == "reverse" ? one.features - 1 - place : place);
    }
    const int passes = subject.document().resolved().at("passes").get<int>();
    const auto group = [&](std::size_t place) {
      int g = 0;
      while ((g + 1) * one.features / passes <= static_cast<int>(place)) ++g;
      return g;
    };
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      ++met;
      const Matrix<double> x = subject.rows(inverse), context = subject.context();
      const Matrix<double> y = subject.run(inverse, x, context).value;
      for (std::size_t d = 0; d < order.size(); ++d) {
        Matrix<double> moved = x;
        moved.col(order[d]).array() += 0.5;
        const Matrix<double> z = subject.run(inverse, moved, context).value;
        for (std::size_t e = 0; e < order.size(); ++e) {
          if (e != d && group(e) <= group(d))
            CHECK(same_bits<double>(z.col(order[e]), y.col(order[e])));
          else if (e == d)
            CHECK((z.col(order[e]) - y.col(order[e])).cwiseAbs().minCoeff() > 0);
        }
        // The adjoint of one output.
        Tape<double> tape(Mode::differentiate);
        std::vector<double> gradient(subject.parameters.size(), 0.0);
        nn::Pass<double> pass{tape, subject.parameters.data(), gradient.data()};
        const Var<double> in = input(tape, x, true);
        const Mapped<double> m = subject.apply(pass, in, one.context ? input(tape, context) : Var<double>{}, inverse);
        m.value.columns(order[d], 1).adj().setConstant(1);
        tape.backward();
        for (std::size_t e = 0; e < order.size(); ++e) {
          if (e != d && group(e) >= group(d)) CHECK(in.adj().col(order[e]).isZero(0));
        }
      }
    }
  }
  CHECK((filtered() || met > 100));
}

TEST_CASE("autoregressive: refuses more passes than columns, and layer_norm") {
  for (const auto& [member, place] :
       {std::pair{R"("passes": 4)", "/passes: must be in [1, 3]"}, std::pair{R"("passes": 0)", "/passes: must be in [1, 3]"},
        std::pair{R"("net": {"layer_norm": true})", "/net/layer_norm: a masked network has none"}}) {
    const config::Document document(
        config::Json::parse(std::string(R"({"type": "autoregressive", "univariate": {"type": "affine"}, )") + member + "}"));
    nn::ParameterLayout layout;
    (void)transforms::make_transform<double>(document.root(), {layout, "layer", 3, 0, 1, 0});
    CHECK(thrown<core::ConfigError>([&] { document.check(); }).find(place) != std::string::npos);
  }
}
