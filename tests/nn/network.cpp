// Networks: masks that are exact, groups that make the whole, context, residual blocks, dropout.
#include "nn/network.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using nn::Network;

namespace {

constexpr int outputs = 2;  // a group

struct Form {
  std::string spec;
  int context, inputs;
  bool masked;
  int groups = inputs;  // where it is masked
};

std::vector<Form> forms() {
  std::vector<Form> all;
  for (const char* spec :
       {R"({"hidden": []})", R"({"hidden": [9], "activation": "tanh"})", R"({"hidden": [70, 66], "activation": "silu"})",
        R"({"hidden": [7, 8], "activation": "relu"})", R"({"hidden": [2, 3], "activation": "leaky_relu"})",
        R"({"type": "residual", "hidden": [8], "activation": "elu"})",
        R"({"type": "residual", "hidden": [70, 70], "activation": "silu"})"}) {
    for (const int context : {0, 2}) {
      for (const int inputs : {1, 2, 5}) {
        for (const bool masked : {false, true}) all.push_back({spec, context, inputs, masked});
      }
      for (const int groups : {1, 2, 3}) all.push_back({spec, context, 5, true, groups});
    }
    all.push_back({spec, 3, 0, false});
  }
  for (const char* spec : {R"({"hidden": [9, 8], "activation": "silu", "layer_norm": true})",
                           R"({"hidden": [9], "activation": "tanh", "layer_norm": true})",
                           R"({"type": "residual", "hidden": [8, 8], "activation": "elu", "layer_norm": true})"}) {
    for (const int context : {0, 2}) all.push_back({spec, context, 5, false});
  }
  return all;
}

// A network with random weights inside its masks.
template <class T>
struct Made {
  nn::ParameterLayout layout;
  std::unique_ptr<Network<T>> network;
  std::vector<T> parameters, gradient;

  explicit Made(const Form& form) {
    const config::Document document(config::Json::parse(form.spec));
    const int features = std::max(form.inputs, 1);
    network = std::make_unique<Network<T>>(layout, "net", nn::NetworkSpec::read(document.root()), form.context, form.inputs,
                                           form.masked ? form.groups : 0,
                                           std::vector<double>(static_cast<std::size_t>(features * outputs), 0.25));
    document.check();
    for (const double v : layout.initial(3)) parameters.push_back(static_cast<T>(v));
    perturb(layout, parameters, 0.4);
    gradient.assign(parameters.size(), T(0));
  }

  Matrix<T> run(const Form& form, const Matrix<T>& context, const Matrix<T>& x) const {
    Tape<T> tape;
    nn::Pass<T> pass{tape, parameters.data()};
    return network->run(pass, form.context ? input(tape, context) : Var<T>{}, form.inputs ? input(tape, x) : Var<T>{}).val();
  }
};

// begin, then advance and provide one group at a time, as an autoregressive transform does.
template <class T>
Var<T> by_group(nn::Pass<T>& pass, const Network<T>& network, Var<T> context, Var<T> x, int groups) {
  Var<T> rows = context;
  rows.rows = x.rows;
  const auto state = network.begin(pass, rows, x.wants_grad());
  for (int g = 0; g < groups; ++g) {
    const int features = static_cast<int>(x.cols), first = nn::first_of_group(g, features, groups);
    network.advance(pass, state, g, g);
    if (g + 1 < groups)
      network.provide(pass, state, x.columns(first, nn::first_of_group(g + 1, features, groups) - first), first);
  }
  return state.output;
}

template <class T>
void groups_make_the_whole(T tolerance) {
  for (const Form& form : forms()) {
    if (!form.masked) continue;
    CAPTURE(form.spec);
    CAPTURE(form.context);
    CAPTURE(form.inputs);
    Made<T> made(form);
    const Matrix<T> x = normals<T>(block, form.inputs, 1), context = normals<T>(block, form.context, 2);
    Tape<T> tape(Mode::differentiate);
    std::vector<T> gradients[2];
    Matrix<T> values[2], x_gradients[2];
    for (const bool whole : {true, false}) {
      tape.reset(Mode::differentiate);
      std::vector<T>& gradient = gradients[whole ? 0 : 1];
      gradient.assign(made.parameters.size(), T(0));
      nn::Pass<T> pass{tape, made.parameters.data(), gradient.data()};
      const Var<T> in = input(tape, x, true), given = form.context ? input(tape, context) : Var<T>{};
      const Var<T> y = whole ? made.network->run(pass, given, in) : by_group(pass, *made.network, given, in, form.groups);
      values[whole ? 0 : 1] = y.val();
      y.adj() = normals<T>(block, y.cols, 3);
      tape.backward();
      x_gradients[whole ? 0 : 1] = in.adj();
    }
    CHECK((values[0] - values[1]).cwiseAbs().maxCoeff() <= tolerance);
    CHECK((x_gradients[0] - x_gradients[1]).cwiseAbs().maxCoeff() <= 100 * tolerance);
    T worst = 0;
    for (std::size_t i = 0; i < gradients[0].size(); ++i) worst = std::max(worst, std::abs(gradients[0][i] - gradients[1][i]));
    CHECK(worst <= 1000 * tolerance);
  }
}

}  // namespace

TEST_CASE("network: outputs of a group do not see its features or later ones, in values and adjoints, exactly") {
  for (const Form& form : forms()) {
    if (!form.masked) continue;
    CAPTURE(form.spec);
    CAPTURE(form.context);
    CAPTURE(form.inputs);
    Made<double> made(form);
    const Matrix<double> x = normals<double>(block, form.inputs, 1), context = normals<double>(block, form.context, 2);
    const Matrix<double> y = made.run(form, context, x);
    int g = 0;
    for (Index d = 0; d < form.inputs; ++d) {
      while (nn::first_of_group(g + 1, form.inputs, form.groups) <= d) ++g;
      const Index first = nn::first_of_group(g, form.inputs, form.groups),
                  next = nn::first_of_group(g + 1, form.inputs, form.groups);
      Matrix<double> moved = x;
      moved.col(d).array() += 1;
      const Matrix<double> z = made.run(form, context, moved);
      CHECK(same_bits<double>(z.leftCols(next * outputs), y.leftCols(next * outputs)));
      // What may be seen, is; a few relus could all be asleep.
      if (next < form.inputs && (form.spec.find("tanh") != std::string::npos || form.spec.find("silu") != std::string::npos))
        CHECK((z.middleCols(next * outputs, outputs) - y.middleCols(next * outputs, outputs)).cwiseAbs().maxCoeff() > 0);
      Tape<double> tape(Mode::differentiate);
      nn::Pass<double> pass{tape, made.parameters.data(), made.gradient.data()};
      const Var<double> in = input(tape, x, true);
      const Var<double> out = made.network->run(pass, form.context ? input(tape, context) : Var<double>{}, in);
      out.columns(d * outputs, outputs).adj().setConstant(1);
      tape.backward();
      CHECK(in.adj().rightCols(form.inputs - first).isZero(0));
    }
    if (form.context == 0) continue;
    CHECK((made.run(form, context.array() + 1, x).leftCols(outputs) - y.leftCols(outputs)).cwiseAbs().maxCoeff() > 0);
  }
}

// Promised within rounding: layers too wide for one block of the product sum in another order, and gradients always do.
TEST_CASE("network: group by group is the whole, values and gradients, in float64") { groups_make_the_whole<double>(1e-12); }
TEST_CASE("network: group by group is the whole, values and gradients, in float32") { groups_make_the_whole<float>(1e-4f); }

TEST_CASE("network: gradients are those of differences") {
  for (const Form& form : forms()) {
    CAPTURE(form.spec);
    CAPTURE(form.context);
    CAPTURE(form.inputs);
    Made<double> made(form);
    std::vector<Matrix<double>> inputs;
    if (form.context) inputs.push_back(normals<double>(block, form.context, 2));
    if (form.inputs) inputs.push_back(normals<double>(block, form.inputs, 1));
    for (const bool groups : {false, true}) {
      if (groups && !form.masked) continue;
      const auto run = [&](Tape<double>& t, std::span<const Var<double>> in) {
        nn::Pass<double> pass{t, made.parameters.data()};
        const Var<double> context = form.context ? in[0] : Var<double>{}, x = form.inputs ? in.back() : Var<double>{};
        return std::vector<Var<double>>{groups ? by_group(pass, *made.network, context, x, form.groups)
                                               : made.network->run(pass, context, x)};
      };
      CHECK(autodiff::check_vjp(run, inputs, {.directions = 2}) == "");
    }
  }
}

TEST_CASE("network: a fresh one gives `initial` everywhere") {
  for (const Form& form : forms()) {
    Made<double> made(form);
    const std::vector<double> start = made.layout.initial(3);
    made.parameters.assign(start.begin(), start.end());
    const Matrix<double> y = made.run(form, normals<double>(block, form.context, 2), normals<double>(block, form.inputs, 1));
    CHECK((y.array() == 0.25).all());
  }
}

TEST_CASE("network: a random start draws the last weights as the others, and keeps the bias") {
  for (const char* spec :
       {R"({"hidden": [16], "start": "random"})", R"({"type": "residual", "hidden": [16], "start": "random"})"}) {
    const Form form{spec, 0, 2, false};
    Made<double> made(form);
    const std::vector<double> start = made.layout.initial(3);
    made.parameters.assign(start.begin(), start.end());
    const Matrix<double> y = made.run(form, normals<double>(block, 0, 2), normals<double>(block, 2, 1));
    for (Index j = 0; j < y.cols(); ++j) CHECK((y.col(j).array() - 0.25).abs().maxCoeff() > 0.01);
    const nn::Parameter& weight = *(made.layout.parameters().end() - 2);
    double largest = 0;
    for (Index i = weight.offset; i < weight.offset + weight.size; ++i)
      largest = std::max(largest, std::abs(start[static_cast<std::size_t>(i)]));
    CHECK(largest <= 0.25);  // 1/√16
    CHECK(largest > 0.2);
  }
}

TEST_CASE("network: layer_norm stands before each activation, and its gain and bias are named as in PyTorch") {
  const Form form{R"({"hidden": [4], "activation": "tanh", "layer_norm": true})", 0, 2, false},
      residual{R"({"type": "residual", "hidden": [4], "activation": "tanh", "layer_norm": true})", 0, 2, false};
  const auto names = [](const Made<double>& made) {
    std::vector<std::string> all;
    for (const nn::Parameter& p : made.layout.parameters()) all.push_back(p.name);
    return all;
  };
  const Made<double> dense(form), blocks(residual);
  CHECK(names(dense) == std::vector<std::string>{"net.0.weight", "net.0.bias", "net.norms.0.weight", "net.norms.0.bias",
                                                 "net.1.weight", "net.1.bias"});
  CHECK(names(blocks) == std::vector<std::string>{"net.input.weight", "net.input.bias", "net.blocks.0.0.weight",
                                                  "net.blocks.0.0.bias", "net.blocks.0.norms.0.weight",
                                                  "net.blocks.0.norms.0.bias", "net.blocks.0.norms.1.weight",
                                                  "net.blocks.0.norms.1.bias", "net.blocks.0.1.weight", "net.blocks.0.1.bias",
                                                  "net.output.weight", "net.output.bias"});
  // By hand.
  const auto at = [](const Made<double>& made, std::size_t number) {
    const nn::Parameter& p = made.layout.parameters()[number];
    const Index rows = p.shape.size() == 2 ? p.shape[1] : 1;
    return Matrix<double>(Eigen::Map<const Matrix<double>>(made.parameters.data() + p.offset, rows, p.size / rows));
  };
  const auto normed = [](Matrix<double> h, const Matrix<double>& gain, const Matrix<double>& bias) {
    h.colwise() -= h.rowwise().mean().eval();
    const Eigen::ArrayXd rate = (h.array().square().rowwise().mean() + 1e-5).rsqrt();
    h.array().colwise() *= rate;
    return Matrix<double>((h.array().rowwise() * gain.array().row(0)).rowwise() + bias.array().row(0));
  };
  const Matrix<double> x = normals<double>(block, 2, 1);
  const auto linear = [&](const Made<double>& made, const Matrix<double>& in, std::size_t number) {
    return Matrix<double>((in * at(made, number)).rowwise() + at(made, number + 1).row(0));
  };
  const Matrix<double> hidden = normed(linear(dense, x, 0), at(dense, 2), at(dense, 3)).array().tanh();
  CHECK((dense.run(form, {}, x) - linear(dense, hidden, 4)).isZero(1e-12));
  Matrix<double> h = linear(blocks, x, 0);
  const Matrix<double> first = linear(blocks, normed(h, at(blocks, 4), at(blocks, 5)).array().tanh(), 2);
  h += linear(blocks, normed(first, at(blocks, 6), at(blocks, 7)).array().tanh(), 8);
  CHECK((blocks.run(residual, {}, x) - linear(blocks, h, 10)).isZero(1e-12));
}

TEST_CASE("network: dropout is off in evaluation, keyed by step and row in training, and keeps the mean") {
  for (const char* spec : {R"({"hidden": [64], "activation": "elu", "dropout": 0.4})",
                           R"({"type": "residual", "hidden": [64, 64], "activation": "elu", "dropout": 0.4})"}) {
    CAPTURE(spec);
    const Form form{spec, 0, 3, true};
    Made<double> made(form);
    const Matrix<double> x = normals<double>(block, 3, 1);
    std::vector<std::uint64_t> ids(block);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = 1000 + i;
    Tape<double> tape;
    const auto run = [&](bool training, std::uint32_t step, bool groups = false, const Matrix<double>* other = nullptr) {
      nn::Pass<double> pass{tape, made.parameters.data()};
      pass.training = training;
      pass.step = step;
      pass.rows = ids.data();
      const Var<double> in = input(tape, other ? *other : x);
      return Matrix<double>(
          (groups ? by_group(pass, *made.network, Var<double>{}, in, form.groups) : made.network->run(pass, {}, in)).val());
    };
    CHECK(same_bits(run(false, 1), made.run(form, {}, x)));
    CHECK(same_bits(run(true, 1), run(true, 1)));
    CHECK(!same_bits(run(true, 1), run(true, 2)));
    CHECK((run(true, 1) - run(true, 1, true)).isZero(1e-12));
    // The draw goes with the row's id, not with its place.
    Matrix<double> turned = x.colwise().reverse();
    std::reverse(ids.begin(), ids.end());
    const Matrix<double> of_turned = run(true, 1, false, &turned);
    std::reverse(ids.begin(), ids.end());
    CHECK(same_bits<double>(of_turned.colwise().reverse(), run(true, 1)));
    if (form.spec.find("residual") != std::string::npos) continue;  // its last layer is not linear in the masks
    Matrix<double> mean = Matrix<double>::Zero(block, 3 * outputs), square = mean;
    constexpr int draws = 400;
    for (int step = 0; step < draws; ++step) {
      const Matrix<double> y = run(true, static_cast<std::uint32_t>(step));
      mean += y / draws;
      square += y.cwiseAbs2() / draws;
    }
    const Matrix<double> error = ((square - mean.cwiseAbs2()).cwiseMax(0) / draws).cwiseSqrt();
    CHECK(((mean - run(false, 1)).cwiseAbs().array() <= 5 * error.array() + 1e-12).all());
  }
}

TEST_CASE("network: dropout's gradient is that of the same draws") {
  Made<double> made({R"({"hidden": [9, 9], "activation": "tanh", "dropout": 0.3})", 0, 3, true});
  std::vector<std::uint64_t> ids(block, 5);
  const auto run = [&](Tape<double>& t, std::span<const Var<double>> in) {
    nn::Pass<double> pass{t, made.parameters.data()};
    pass.training = true;
    pass.rows = ids.data();
    return std::vector<Var<double>>{made.network->run(pass, Var<double>{}, in[0])};
  };
  CHECK(autodiff::check_vjp(run, {normals<double>(block, 3, 1)}, {.directions = 3}) == "");
}

TEST_CASE("network: the config's faults are told") {
  const auto fault = [](const char* text) {
    const config::Document document(config::Json::parse(text));
    (void)nn::NetworkSpec::read(document.root());
    try {
      document.check();
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(fault("{}") == "");
  CHECK(fault(R"({"type": "residual", "hidden": [8, 9]})").find("equal widths") != std::string::npos);
  CHECK(fault(R"({"type": "residual", "hidden": []})").find("at least one block") != std::string::npos);
  CHECK(fault(R"({"activation": "rely"})").find("relu") != std::string::npos);
  CHECK(fault(R"({"dropout": 1})") != "");
  CHECK(fault(R"({"layer_norm": 1})") != "");
  const config::Document masked(config::Json::parse(R"({"layer_norm": true})"));
  (void)nn::NetworkSpec::read(masked.root(), true);
  CHECK(!masked.ok());
  CHECK(fault(R"({"hiden": [3]})").find("hidden") != std::string::npos);
}

TEST_CASE(
    "network: an untouched gradient may hold anything inside the masks; what is left of it at the end says what nobody added "
    "to") {
  for (const Form& form : forms()) {
    for (const bool whole : {true, false}) {
      if (!whole && !form.masked) continue;
      CAPTURE(form.spec);
      CAPTURE(form.context);
      CAPTURE(whole);
      Made<double> made(form);
      const std::size_t other = made.layout.vector("other", {3}, nn::zeros()).number;
      const Matrix<double> x = normals<double>(block, form.inputs, 1), context = normals<double>(block, form.context, 2);
      const std::size_t count = made.layout.parameters().size();
      const auto untouched = std::make_unique<bool[]>(count);
      std::fill_n(untouched.get(), count, true);
      std::vector<double> added(made.parameters.size(), 0.0), written(added.size() + 3, 0.0);
      for (const nn::Parameter& p : made.layout.parameters()) {
        const Index in = p.prefix.empty() ? p.size : p.shape[1];
        for (Index i = 0; i < p.size; ++i) {
          if (p.prefix.empty() || i % in < p.prefix[static_cast<std::size_t>(i / in)])
            written[static_cast<std::size_t>(p.offset + i)] = std::numeric_limits<double>::quiet_NaN();
        }
      }
      for (int pass_number = 0; pass_number < 2; ++pass_number) {
        for (const bool writes : {false, true}) {
          Tape<double> tape(Mode::differentiate);
          nn::Pass<double> pass{tape, made.parameters.data(), writes ? written.data() : added.data(),
                                writes ? untouched.get() : nullptr};
          const Var<double> in = input(tape, x, true), given = form.context ? input(tape, context) : Var<double>{};
          const Var<double> y =
              whole ? made.network->run(pass, given, in) : by_group(pass, *made.network, given, in, form.groups);
          y.adj() = normals<double>(block, y.cols, 3);
          tape.backward();
        }
      }
      CHECK(std::equal(added.begin(), added.end(), written.begin()));
      for (std::size_t p = 0; p < count; ++p) CHECK(untouched[p] == (p == other));
    }
  }
}
