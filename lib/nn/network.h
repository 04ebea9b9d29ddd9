// Conditioner networks: dense and residual, plain or masked (MADE, ResMADE), one class for all four.
#pragma once

#include <string>
#include <vector>

#include "autodiff/ops/dense.h"
#include "config/node.h"
#include "nn/parameters.h"
#include "nn/pass.h"

namespace flowfit::nn {

/// The `net` object of a config: {"type": "dense", "hidden": [64, 64], "activation": "relu", "start": "identity", "dropout": 0, "layer_norm": false}.
struct NetworkSpec {
  bool residual = false;
  std::vector<int> hidden{64, 64};
  autodiff::Activation activation = autodiff::Activation::relu;
  bool random_start = false;
  double dropout = 0.0;
  bool layer_norm = false;

  /// `masked`: refuses what a masked network cannot have.
  static NetworkSpec read(const config::Node& node, bool masked = false);
};

/// The first of the features in group g, where `groups` groups of them are as even as can be.
constexpr int first_of_group(int g, int features, int groups) {
  return static_cast<int>(static_cast<long long>(g) * features / groups);
}

/// A network from [context | x] to parameters, computed whole or group by group.
///
/// dense: hidden layers with activation, then a linear one. residual (He et al. 2016, pre-activation, as in nflows): h = W·[context | x] + b, blocks
/// h += W2·act(W1·[context | act(h)] + b1) + b2, then a linear layer.
/// Masked (MADE, Germain et al. 2015): the features of x lie in G groups (of one each where G is their number), and outputs of group g depend on the
/// context and the groups of x before g. Hidden units are sorted by degree (the number of groups they see), so every mask is a prefix: unit j of H has degree
/// floor(j(G−1)/H) + 1 without context (as in nflows) and floor(j·G/H) with it, so that the first group's parameters see the context; 0 when G = 1.
/// Residual blocks keep one vector of degrees.
/// layer_norm stands before each activation (of a plain network: it mixes degrees).
/// The last layer starts with weights zero and bias `initial`, so a fresh flow starts where its univariate does; with `random_start` its weights are drawn
/// as those of the other layers.
template <class T>
class Network {
 public:
  /// `groups`: 0 for a plain network, else the number of masked groups, at most `inputs`. `initial`: `outputs` numbers (masked: as many for each feature).
  /// Parameters are named `<name>.…`.
  Network(ParameterLayout& layout, const std::string& name, const NetworkSpec& spec, int context, int inputs, int groups,
          const std::vector<double>& initial);

  /// What one layer has computed so far in this pass; on the tape's memory.
  struct Step {
    Var<T> in, out, before, result;  ///< result: out after dropout
  };
  struct State {
    Var<T> input, output;  ///< B x (context + inputs), B x outputs
    Step* steps;           ///< one a layer
  };

  /// The whole network: B x outputs. `context` is empty where there is none; `x` is empty for context alone.
  Var<T> run(Pass<T>& pass, Var<T> context, Var<T> x) const;

  /// Group by group: begin; then for g = 0 … groups−1: advance(g, g), read outputs of group g, provide its features. Each hidden unit is computed
  /// once, when its inputs are known: all groups together cost one pass. Outputs are those of `run` within rounding: a wide layer's products sum
  /// in another order.
  State begin(Pass<T>& pass, Var<T> context, bool x_wants_grad) const;
  /// Features from `first` on.
  void provide(Pass<T>& pass, const State& state, Var<T> x, int first) const;
  /// Computes groups first … last from the features of the groups before `last`.
  void advance(Pass<T>& pass, const State& state, int first, int last) const;

 private:
  struct Norm {
    Slot gain, bias;
  };
  struct Layer {
    Slot weight, bias;
    Norm norm_in, norm_out;   // of what a block's first layer reads, and before the activation; with layer_norm
    std::vector<int> prefix;  // empty when plain
    std::vector<int> start;   // start[m]: first unit of degree m or more; groups + 1 entries
    autodiff::Activation activation;
    std::uint32_t draws;  // where its dropout draws begin
  };
  struct Source {  // what feeds a layer: `context` columns seen by all, then units by degree
    int context;
    std::vector<int> start;
    int shift;  // a unit of degree m sees source units of degree < m + shift
  };

  Layer layer(ParameterLayout& layout, const std::string& name, const Source& source, const std::vector<int>& start,
              autodiff::Activation activation, const Initializer& weights, const Initializer& bias) const;
  Norm norm(ParameterLayout& layout, const std::string& name, int units) const;
  static Var<T> normalized(Pass<T>& pass, const Norm& norm, Var<T> x);
  void compute(Pass<T>& pass, const Layer& layer, Step& step, Var<T> skip, int first, int last) const;

  NetworkSpec spec_;
  int context_, inputs_, groups_;
  std::vector<Layer> layers_;
};

}  // namespace flowfit::nn
