// Building the layers with their prefix masks, and computing ranges of them.
#include "nn/network.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/layer_norm.h"

namespace flowfit::nn {
namespace {

using autodiff::Activation;

// First unit of each degree, for H hidden units sorted by degree.
std::vector<int> hidden_start(int units, int groups, bool context) {
  std::vector<int> start(static_cast<std::size_t>(groups) + 1, 0);
  for (int j = 0; j < units; ++j) {
    const auto place = [&](int degrees) { return static_cast<int>(static_cast<long long>(j) * degrees / units); };
    const int degree = groups == 1 ? 0 : (context ? place(groups) : place(groups - 1) + 1);
    for (int m = degree + 1; m <= groups; ++m) start[static_cast<std::size_t>(m)] = j + 1;
  }
  return start;
}

// Features in order, `width` units each, in groups as even as can be: group g begins with feature ⌊g·features/groups⌋.
std::vector<int> group_start(int features, int width, int groups) {
  std::vector<int> start;
  for (int g = 0; g <= groups; ++g) start.push_back(width * first_of_group(g, features, groups));
  return start;
}

}  // namespace

NetworkSpec NetworkSpec::read(const config::Node& node, bool masked) {
  NetworkSpec spec;
  if (node.exists() && !node.expect_object()) return spec;
  spec.residual = node.choice("type", "dense", {"dense", "residual"}) == "residual";
  spec.hidden = node.integers("hidden", {64, 64}, 1, 65536);
  const std::vector<std::string> names{"relu", "elu", "tanh", "silu", "leaky_relu"};
  const std::string activation = node.choice("activation", "relu", names);
  spec.activation = static_cast<Activation>(1 + std::distance(names.begin(), std::ranges::find(names, activation)));
  spec.dropout = node.number("dropout", 0.0, {.low = 0.0, .high = 0.95});
  spec.random_start = node.choice("start", "identity", {"identity", "random"}) == "random";
  spec.layer_norm = node.boolean("layer_norm", false);
  if (spec.layer_norm && masked) {
    node.error_at("layer_norm", "a masked network has none: it would show each unit the columns that its mask hides; remove it");
    spec.layer_norm = false;
  }
  for (const int width : spec.hidden) {
    if (spec.residual && width != spec.hidden.front()) {
      node.member("hidden").error("expected equal widths in a residual network, one a block",
                                  R"(use the same number for each, or "type": "dense")");
      break;
    }
  }
  if (spec.hidden.empty()) {
    if (spec.residual) node.member("hidden").error("expected at least one block");
    if (spec.residual) spec.hidden = {1};
  }
  node.finish();
  return spec;
}

template <class T>
typename Network<T>::Layer Network<T>::layer(ParameterLayout& layout, const std::string& name, const Source& source,
                                             const std::vector<int>& start, Activation activation, const Initializer& weights,
                                             const Initializer& bias) const {
  const int units = start.back(), in = source.context + source.start.back();
  Layer l;
  l.activation = activation;
  l.start = start;
  if (groups_ > 0) {
    for (int degree = 0; degree < groups_; ++degree) {
      const int seen = source.context + source.start[static_cast<std::size_t>(degree + source.shift)];
      l.prefix.resize(static_cast<std::size_t>(start[static_cast<std::size_t>(degree) + 1]), seen);
    }
  }
  l.weight = layout.matrix(name + ".weight", units, in, weights, l.prefix);
  l.bias = layout.vector(name + ".bias", {units}, bias);
  l.draws = spec_.dropout > 0 ? layout.reserve_draws(units) : 0;
  return l;
}

template <class T>
typename Network<T>::Norm Network<T>::norm(ParameterLayout& layout, const std::string& name, int units) const {
  if (!spec_.layer_norm) return {};
  return {layout.vector(name + ".weight", {units}, values(std::vector<double>(static_cast<std::size_t>(units), 1.0))),
          layout.vector(name + ".bias", {units}, zeros())};
}

template <class T>
Network<T>::Network(ParameterLayout& layout, const std::string& name, const NetworkSpec& spec, int context, int inputs,
                    int groups, const std::vector<double>& initial)
    : spec_(spec), context_(context), inputs_(inputs), groups_(groups) {
  const int degrees = std::max(groups, 1);
  const auto hidden = [&](int units) {
    return groups > 0 ? hidden_start(units, degrees, context > 0) : std::vector<int>{0, units};
  };
  const auto fan = [](int in) { return uniform(1.0 / std::sqrt(std::max(in, 1))); };
  // Features come before the units that see them: degree m sees features of groups before m, and units of degree ≤ m.
  Source source{context, group_start(inputs, 1, degrees), groups > 0 ? 0 : 1};
  const auto advance_source = [&](int extra, std::vector<int> start) { source = {extra, std::move(start), 1}; };
  const auto in_units = [&] { return source.context + source.start.back(); };

  int number = 0;
  if (spec.residual) {
    const int units = spec.hidden.front();
    const std::vector<int> start = hidden(units);
    layers_.push_back(layer(layout, name + ".input", source, start, Activation::none, fan(in_units()), fan(in_units())));
    for (std::size_t block = 0; block < spec.hidden.size(); ++block) {
      const std::string block_name = name + ".blocks." + std::to_string(block);
      advance_source(context, start);
      layers_.push_back(layer(layout, block_name + ".0", source, start, spec.activation, fan(in_units()), fan(in_units())));
      layers_.back().norm_in = norm(layout, block_name + ".norms.0", units);
      layers_.back().norm_out = norm(layout, block_name + ".norms.1", units);
      advance_source(0, start);
      // Blocks start close to nothing, so that depth does not change how a fresh network behaves.
      layers_.push_back(layer(layout, block_name + ".1", source, start, Activation::none, uniform(1e-3), uniform(1e-3)));
    }
  } else {
    for (const int units : spec.hidden) {
      const std::vector<int> start = hidden(units);
      layers_.push_back(
          layer(layout, name + "." + std::to_string(number), source, start, spec.activation, fan(in_units()), fan(in_units())));
      layers_.back().norm_out = norm(layout, name + ".norms." + std::to_string(number++), units);
      advance_source(0, start);
    }
  }
  const int width = static_cast<int>(initial.size());
  const std::vector<int> outputs = groups > 0 ? group_start(inputs, width / inputs, groups) : std::vector<int>{0, width};
  const std::string last = spec.residual ? name + ".output" : name + "." + std::to_string(number);
  const Initializer weights = spec.random_start ? fan(in_units()) : zeros();
  layers_.push_back(layer(layout, last, source, outputs, Activation::none, weights, values(initial)));
}

template <class T>
typename Network<T>::State Network<T>::begin(Pass<T>& pass, Var<T> context, bool x_wants_grad) const {
  Tape<T>& tape = pass.tape;
  const Index rows = context.rows;  // the caller passes rows in an otherwise empty Var when there is no context
  State state{tape.make(rows, context_ + inputs_, x_wants_grad || context.wants_grad()),
              {},
              tape.template scratch<Step>(static_cast<Index>(layers_.size()))};
  if (context_ > 0) autodiff::copy(tape, context, state.input.columns(0, context_));
  Var<T> previous = state.input;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Index units = layers_[l].start.back();
    const bool joins_context =
        spec_.residual && l % 2 == 1 && l + 1 < layers_.size();  // a block's first layer reads [context | act(h)]
    Step& step = state.steps[l];
    step.in = joins_context ? tape.make(rows, context_ + previous.cols, true) : previous;
    if (joins_context && context_ > 0) autodiff::copy(tape, context, step.in.columns(0, context_));
    step.out = tape.make(rows, units, true);
    step.before = layers_[l].activation == Activation::silu ? tape.make(rows, units, false) : Var<T>{};
    const bool drops = pass.training && spec_.dropout > 0 && layers_[l].activation != Activation::none;
    step.result = drops ? tape.make(rows, units, true) : step.out;
    previous = step.result;
  }
  state.output = previous;
  return state;
}

template <class T>
void Network<T>::provide(Pass<T>& pass, const State& state, Var<T> x, int first) const {
  autodiff::copy(pass.tape, x, state.input.columns(context_ + first, x.cols));
}

template <class T>
void Network<T>::compute(Pass<T>& pass, const Layer& l, Step& step, Var<T> skip, int first, int last) const {
  const Index begin = l.start[static_cast<std::size_t>(first)], count = l.start[static_cast<std::size_t>(last) + 1] - begin;
  const bool whole = count == l.start.back();  // then the layer writes its weight's first gradient itself
  const autodiff::DenseLayer<T> dense{whole ? pass.dense_weight(l.weight) : pass.parameter(l.weight), pass.parameter(l.bias),
                                      l.prefix.empty() ? nullptr : l.prefix.data(), l.activation,
                                      whole && pass.untouched ? pass.untouched + l.weight.number : nullptr};
  if (spec_.layer_norm && l.activation != Activation::none) {
    const Var<T> linear = pass.tape.make(step.out.rows, step.out.cols, true);
    autodiff::DenseLayer<T> plain = dense;
    plain.activation = Activation::none;
    autodiff::dense_columns(pass.tape, plain, step.in, skip, linear, {}, begin, count);
    autodiff::activate_columns(pass.tape, l.activation, normalized(pass, l.norm_out, linear), step.out, begin, count);
  } else {
    autodiff::dense_columns(pass.tape, dense, step.in, skip, step.out, step.before, begin, count);
  }
  if (step.result.value == step.out.value || count == 0) return;
  // Draws are keyed by (step, row, unit): the same mask whichever direction, group or block computes the unit.
  const Index rows = step.out.rows, even = begin / 2 * 2, span = begin + count - even;
  T* uniforms = pass.tape.scratch(rows * step.out.cols);
  double* row = pass.tape.template scratch<double>(span);
  const core::RandomKey key{pass.seed, core::Purpose::dropout, pass.step};
  for (Index i = 0; i < rows; ++i) {
    key.uniforms(pass.rows[i], {row, static_cast<std::size_t>(span)}, l.draws + static_cast<std::uint32_t>(even));
    for (Index j = begin; j < begin + count; ++j) uniforms[j * rows + i] = static_cast<T>(row[j - even]);
  }
  autodiff::dropout_columns(pass.tape, step.out, step.result, uniforms, static_cast<T>(spec_.dropout), begin, count);
}

template <class T>
Var<T> Network<T>::normalized(Pass<T>& pass, const Norm& norm, Var<T> x) {
  return autodiff::layer_norm(pass.tape, x, pass.parameter(norm.gain), pass.parameter(norm.bias));
}

template <class T>
void Network<T>::advance(Pass<T>& pass, const State& state, int first, int last) const {
  Var<T> h;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const bool opens_block = spec_.residual && l % 2 == 1 && l + 1 < layers_.size(),
               closes_block = spec_.residual && l > 0 && l % 2 == 0;
    if (opens_block) {
      h = state.steps[l - 1].result;
      const Index begin = layers_[l - 1].start[static_cast<std::size_t>(first)],
                  end = layers_[l - 1].start[static_cast<std::size_t>(last) + 1];
      const Var<T> from = spec_.layer_norm ? normalized(pass, layers_[l].norm_in, h) : h;
      autodiff::activate_columns(pass.tape, spec_.activation, from, state.steps[l].in.columns(context_, h.cols), begin,
                                 end - begin);
    }
    compute(pass, layers_[l], state.steps[l], closes_block ? h : Var<T>{}, first, last);
  }
}

template <class T>
Var<T> Network<T>::run(Pass<T>& pass, Var<T> context, Var<T> x) const {
  Var<T> shape = context;
  shape.rows = context.empty() ? x.rows : context.rows;
  const State state = begin(pass, shape, x.wants_grad());
  if (inputs_ > 0) provide(pass, state, x, 0);
  advance(pass, state, 0, std::max(groups_, 1) - 1);
  return state.output;
}

template class Network<float>;
template class Network<double>;

}  // namespace flowfit::nn
