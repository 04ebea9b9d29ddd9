// Where a univariate's raw parameters come from: free numbers, or a network.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/network.h"

namespace flowfit::nn {

/// Raw parameters (R x outputs) for a plain (unmasked) scheme: free parameters `<name>.raw` (R = 1) when there is nothing to look at, else a network
/// `<name>.net.…` of [context | x] (R = B). Reads "net" of `node`.
template <class T>
class Conditioner {
 public:
  /// `initial`: the raw vector of one feature, repeated for each of `features`.
  Conditioner(const config::Node& node, ParameterLayout& layout, const std::string& name, int context, int inputs, int features,
              const std::vector<double>& initial) {
    std::vector<double> start;
    for (int d = 0; d < features; ++d) start.insert(start.end(), initial.begin(), initial.end());
    if (context + inputs == 0) {
      if (node.has("net")) node.error_at("net", "nothing to look at: no context, and the parameters are free; remove it");
      raw_ = layout.vector(name + ".raw", {features, static_cast<Index>(initial.size())}, values(start));
    } else {
      network_ =
          std::make_unique<Network<T>>(layout, name + ".net", NetworkSpec::read(node.member("net")), context, inputs, 0, start);
    }
  }

  Var<T> raw(Pass<T>& pass, Var<T> context, Var<T> x) const {
    return network_ ? network_->run(pass, context, x) : pass.parameter(raw_);
  }

 private:
  Slot raw_;
  std::unique_ptr<Network<T>> network_;
};

}  // namespace flowfit::nn
