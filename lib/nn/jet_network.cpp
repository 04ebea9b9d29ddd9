// Building and running the network of jets out of dense layers and jet activations.
#include "nn/jet_network.h"

#include <algorithm>
#include <cmath>

#include "autodiff/ops/dense.h"
#include "autodiff/ops/spectral.h"

namespace flowfit::nn {

template <class T>
JetNetwork<T>::JetNetwork(const config::Node& net, ParameterLayout& layout, const std::string& name, int features, int beside,
                          const std::vector<std::string>& activations, double lipschitz) {
  std::vector<int> widths{64, 64};
  std::string activation = activations.front();
  if (!net.exists() || net.expect_object()) {
    widths = net.integers("hidden", widths, 1, 65536);
    activation = net.choice("activation", activations.front(), activations);
    net.finish();
  }
  const std::vector<std::string> names{"none", "tanh", "elu", "silu", "softplus", "lipswish"};
  activation_ = static_cast<autodiff::Smooth>(std::distance(names.begin(), std::ranges::find(names, activation)));
  if (lipschitz > 0) share_ = std::pow(lipschitz, 1.0 / static_cast<double>(widths.size() + 1));
  if (beside > 0)
    beside_ = layout.matrix(name + ".beside.weight", widths.empty() ? features : widths.front(), beside,
                            widths.empty() ? zeros() : uniform(1 / std::sqrt(static_cast<double>(beside + features))));
  int in = features;
  for (const int units : widths) {
    const Initializer start = uniform(1 / std::sqrt(static_cast<double>(in + (layers_.empty() ? beside : 0))));
    const std::string layer = name + "." + std::to_string(layers_.size());
    layers_.push_back({layout.matrix(layer + ".weight", units, in, start), layout.vector(layer + ".bias", {units}, start)});
    in = units;
  }
  const std::string last = name + "." + std::to_string(layers_.size());
  layers_.push_back({layout.matrix(last + ".weight", features, in, zeros()), layout.vector(last + ".bias", {features}, zeros())});
}

template <class T>
const Var<T>* JetNetwork<T>::weights(Pass<T>& pass) const {
  auto* all = pass.tape.template scratch<Var<T>>(static_cast<Index>(layers_.size()));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Var<T> w = pass.parameter(layers_[l].weight);
    all[l] = share_ > 0 ? autodiff::bounded_weight(pass.tape, w, static_cast<T>(share_)) : w;
  }
  return all;
}

template <class T>
const Var<T>* JetNetwork<T>::fixed(Pass<T>& pass, const Var<T>* weights) const {
  auto* all = pass.tape.template scratch<Var<T>>(static_cast<Index>(layers_.size()));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    all[l] = weights[l];
    all[l].adjoint = nullptr;
  }
  return all;
}

template <class T>
Var<T> JetNetwork<T>::run(Pass<T>& pass, const Var<T>* weights, Var<T> jet, Var<T> beside, Index rows) const {
  Tape<T>& tape = pass.tape;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Var<T> shift = pass.parameter(layers_[l].bias);
    if (l == 0 && !beside.empty()) shift = autodiff::dense<T>(tape, {pass.parameter(beside_), shift}, beside);
    const Var<T> z = autodiff::dense<T>(tape, {weights[l], {}}, jet);
    jet = autodiff::activate_jet(tape, l + 1 < layers_.size() ? activation_ : autodiff::Smooth::none, z, shift, rows);
  }
  return jet;
}

template class JetNetwork<float>;
template class JetNetwork<double>;

}  // namespace flowfit::nn
