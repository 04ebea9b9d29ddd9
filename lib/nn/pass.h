// What one block of rows carries through the model: tape, parameters, gradients, and the keys of its random draws.
#pragma once

#include <algorithm>
#include <cstdint>

#include "autodiff/tape.h"
#include "core/random.h"
#include "nn/parameters.h"

namespace flowfit::nn {

using autodiff::Mapped;
using autodiff::Mode;
using autodiff::Tape;
using autodiff::Var;

template <class T>
struct Pass {
  Tape<T>& tape;
  const T* parameters = nullptr;  ///< the whole vector
  T* gradients = nullptr;         ///< this lane's gradient buffer; null: the parameters want no gradient
  /// For each parameter whether nothing was added to its gradient yet, which then holds anything. Null: all of it counts.
  bool* untouched = nullptr;
  bool training = false;  ///< dropout and its like are on
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  const std::uint64_t* rows = nullptr;  ///< id of each row of the block: what its random draws depend on
  double* sums = nullptr;  ///< this lane's sums over the rows of a batch (ParameterLayout::reserve_sums); null: nobody asks
  Index counted = 0;       ///< with sums: the rows of the block that count; those after them are padding
  bool by_column = false;  ///< log-determinants are wanted column by column, from the maps that have them so

  Var<T> parameter(const Slot& slot) const {
    const Var<T> var = dense_weight(slot);
    if (var.wants_grad() && untouched && untouched[slot.number]) {
      std::fill_n(var.adjoint, var.rows * var.cols, T(0));
      untouched[slot.number] = false;
    }
    return var;
  }
  /// The same for the weight of a DenseLayer, which is told of `untouched` and writes the first of its gradients: to clear a large
  /// matrix first costs as much as to add.
  Var<T> dense_weight(const Slot& slot) const {
    // A Var hands out one pointer for reading and writing; parameters are read alone.
    return {const_cast<T*>(parameters) + slot.offset, tape.differentiates() && gradients ? gradients + slot.offset : nullptr,
            slot.rows, slot.cols};
  }
  /// Numbers that no gradient reaches.
  Var<T> buffer(const Slot& slot) const { return {const_cast<T*>(parameters) + slot.offset, nullptr, slot.rows, slot.cols}; }
};

}  // namespace flowfit::nn
