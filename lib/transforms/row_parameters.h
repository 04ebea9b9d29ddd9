// Parameters of a whole-vector transform: a tensor each, or with "context": true numbers of each row's own from a network.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/conditioner.h"
#include "transforms/transform.h"

namespace flowfit::transforms {

/// Reads "context" and "net" of the layer. The network outputs the parts one after the other: `<name>.net.…`.
template <class T>
class RowParameters {
 public:
  struct Part {
    std::string name;          ///< of the tensor: `<layer>.<name>`
    std::vector<Index> shape;  ///< of it
    std::vector<double> start;
  };

  RowParameters(const config::Node& node, const Build& build, const std::vector<Part>& parts) {
    std::vector<double> all;
    const bool conditional = reads_context(node, build);
    for (const Part& part : parts) {
      places_.emplace_back(static_cast<Index>(all.size()), static_cast<Index>(part.start.size()));
      all.insert(all.end(), part.start.begin(), part.start.end());
      if (!conditional) slots_.push_back(build.layout.vector(build.name + "." + part.name, part.shape, nn::values(part.start)));
    }
    if (conditional)
      conditioner_ = std::make_unique<nn::Conditioner<T>>(node, build.layout, build.name, build.context, 0, 1, all);
  }

  /// The parts of one pass: `of(0)`, `of(1)`, …, each R x its size, R = 1 or B.
  struct Values {
    const RowParameters& from;
    Pass<T>& pass;
    Var<T> raw;  // of each row; else empty
    Var<T> of(std::size_t part) const {
      const auto [first, count] = from.places_[part];
      return raw.empty() ? pass.parameter(from.slots_[part]) : raw.columns(first, count);
    }
  };
  Values values(Pass<T>& pass, Var<T> context) const {
    return {*this, pass, conditioner_ ? conditioner_->raw(pass, context, {}) : Var<T>{}};
  }

 private:
  std::vector<std::pair<Index, Index>> places_;  // in the network's output
  std::vector<nn::Slot> slots_;                  // with tensors
  std::unique_ptr<nn::Conditioner<T>> conditioner_;
};

}  // namespace flowfit::transforms
