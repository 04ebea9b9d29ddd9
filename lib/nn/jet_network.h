// A dense network with smooth activations that carries tangents along: values and Jacobian products in one pass.
#pragma once

#include <string>
#include <vector>

#include "autodiff/ops/jet.h"
#include "config/node.h"
#include "nn/parameters.h"
#include "nn/pass.h"

namespace flowfit::nn {

/// A network from x (D) and what stands beside it (time, context; no tangents) back to D numbers. Parameters: `<name>.0.weight`, `<name>.0.bias`, …, as of a
/// dense network, and `<name>.beside.weight` (H x S) that joins the first layer. The last layer starts with zeros: a fresh network is 0.
template <class T>
class JetNetwork {
 public:
  /// Reads "net": {"hidden": [64, 64], "activation": one of `activations`, the first by default}. `lipschitz`: 0, or a bound on |d value / d x|, kept by giving
  /// each of the n layers the spectral norm of its n-th root at most (activations with slopes within ±1).
  JetNetwork(const config::Node& net, ParameterLayout& layout, const std::string& name, int features, int beside,
             const std::vector<std::string>& activations, double lipschitz = 0);

  /// The weights of one pass, as they are or bounded; on the tape's memory.
  const Var<T>* weights(Pass<T>& pass) const;
  /// Those of an earlier pass with no way back to them.
  const Var<T>* fixed(Pass<T>& pass, const Var<T>* weights) const;

  /// jet: (1 + K)·B x D (autodiff/ops/jet.h); beside: B x S, or empty where S = 0. The result is a jet of the same shape.
  Var<T> run(Pass<T>& pass, const Var<T>* weights, Var<T> jet, Var<T> beside, Index rows) const;

 private:
  struct Layer {
    Slot weight, bias;
  };
  std::vector<Layer> layers_;
  Slot beside_;
  autodiff::Smooth activation_ = autodiff::Smooth::tanh;
  double share_ = 0;  // of the Lipschitz bound for each layer; 0: none
};

}  // namespace flowfit::nn
