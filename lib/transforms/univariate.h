// A univariate: a monotone map of one number given raw parameters. Any of them works in every scheme.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/node.h"
#include "nn/pass.h"

namespace flowfit::transforms {

using autodiff::Index;
using nn::Mapped;
using nn::Pass;
using nn::Var;

/// Components that may change places without changing the map (units of a layer, parts of a mixture): of each, where its raw numbers are
/// among the P, in one order for all.
using Exchangeable = std::vector<std::vector<int>>;

/// x: B x D; raw: R x D·P, feature d at columns d·P … (d+1)·P − 1, R = B or 1 (shared by all rows). Both directions return the value and
/// log|d value / d input| of each entry, B x D.
template <class T>
class Univariate {
 public:
  virtual ~Univariate() = default;
  /// P: how many raw numbers a feature takes.
  virtual int parameters() const = 0;
  /// The raw vector (P numbers) a fresh layer starts from: the identity or within 0.05 of it.
  virtual std::vector<double> initial() const { return std::vector<double>(static_cast<std::size_t>(parameters()), 0.0); }
  /// Equal ones would get equal gradients for ever, so `initial()` starts them apart.
  virtual std::vector<Exchangeable> exchangeable() const { return {}; }
  virtual Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const = 0;
  virtual Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const = 0;
};

/// One word of the univariates' list: how to make it, and configs that the property tests run.
struct UnivariateEntry {
  std::string type;
  std::vector<std::string> examples;  ///< JSON
  std::unique_ptr<Univariate<float>> (*make_float)(const config::Node&);
  std::unique_ptr<Univariate<double>> (*make_double)(const config::Node&);
  double tolerance;  ///< of inverse∘forward = identity in float64
};

template <template <class> class U>
UnivariateEntry univariate_entry(std::string type, std::vector<std::string> examples, double tolerance = 1e-9) {
  return {std::move(type), std::move(examples),
          [](const config::Node& node) -> std::unique_ptr<Univariate<float>> { return std::make_unique<U<float>>(node); },
          [](const config::Node& node) -> std::unique_ptr<Univariate<double>> { return std::make_unique<U<double>>(node); },
          tolerance};
}

const std::vector<UnivariateEntry>& univariates();

/// Reads `{"type": …, …}`; records an error for an unknown type and returns a stand-in, so that reading can go on.
template <class T>
std::unique_ptr<Univariate<T>> make_univariate(const config::Node& node);

}  // namespace flowfit::transforms
