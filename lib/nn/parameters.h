// Where each parameter lies in the one contiguous vector, what it is called and how it starts.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autodiff/var.h"
#include "core/random.h"

namespace flowfit::nn {

using autodiff::Index;

/// A parameter's range of the parameter vector, seen as a rows x cols matrix. Made by ParameterLayout alone: a part of it is a part of its Var.
struct Slot {
  Slot() = default;
  Index offset = 0, rows = 0, cols = 0;
  std::size_t number = 0;  ///< of the parameter, from 0

 private:
  friend class ParameterLayout;
  Slot(Index first, Index r, Index c, std::size_t n) : offset(first), rows(r), cols(c), number(n) {}
};

/// Fills one parameter with its start; draws come from `key` alone.
using Initializer = std::function<void(std::span<double> values, const core::RandomKey& key)>;
Initializer zeros();
Initializer values(std::vector<double> start);
/// Every entry uniform in ±limit. PyTorch's linear layer uses limit = 1/√fan_in for weights and biases.
Initializer uniform(double limit);

struct Parameter {
  std::string name;          ///< PyTorch style, after the config's path: `flow.0.net.0.weight`
  std::vector<Index> shape;  ///< of the tensor in the model file, C order
  Index offset = 0, size = 0;
  Initializer initialize;
  bool decays = false;      ///< weight decay applies: weight matrices alone
  std::vector<int> prefix;  ///< masked weight: output unit j uses its first prefix[j] inputs, the rest is zero; else empty
  bool buffer = false;      ///< gathered from data, not learned: it gets no gradient, so the optimizer leaves it alone
};

/// Collects the parameters while a model is built. Their order, and so the vector's layout, follows the config.
class ParameterLayout {
 public:
  /// A linear layer's weight: out x in in the file, In x Out in memory (the same bytes). `prefix` as in Parameter.
  Slot matrix(const std::string& name, Index out, Index in, Initializer initialize, std::vector<int> prefix = {});
  /// Anything else, seen as one row.
  Slot vector(const std::string& name, std::vector<Index> shape, Initializer initialize);
  /// Numbers of the model that are no parameters (running statistics), seen as one row: read with Pass::buffer.
  Slot buffer(const std::string& name, std::vector<Index> shape, Initializer initialize);
  /// A range of Pass::sums, where a layer adds up what it sees of a batch: the first of `count` places.
  Index reserve_sums(Index count);
  /// A range of random draws that no other part of the model uses (dropout).
  std::uint32_t reserve_draws(Index count);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  Index size() const { return size_; }
  Index sums() const { return sums_; }
  /// The starting vector, in double: the same for both dtypes.
  std::vector<double> initial(std::uint64_t seed) const;

 private:
  Slot add(Parameter parameter);
  std::vector<Parameter> parameters_;
  Index size_ = 0, sums_ = 0;
  std::uint32_t draws_ = 0;
};

}  // namespace flowfit::nn
