// One part of the data as a trainer takes it: rows in the flow's units, kept in memory or made anew from their file each time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "autodiff/tape.h"
#include "data/schema.h"
#include "training/part.h"

namespace flowfit::training {

using autodiff::Index;

/// Rows of data units → flow units, in place; `log_det`: see data::Schema::encode. Whole numbers move to points of their cells that depend on the seed and the
/// row's number alone; the first row's is `first`.
void to_flow_units(const data::Schema& schema, data::Columns& columns, data::Columns& context, std::span<double> log_det,
                   std::uint64_t seed, std::uint64_t first = 0);

/// Rows in the flow's units, cast to T. What is scored at the points of whole numbers is a bound of their probability, in the mean.
template <class T>
struct Rows {
  std::size_t count = 0, features = 0, contexts = 0;
  std::vector<T> x, context;             // n x D and n x C, column-major; empty where `file` has them
  std::vector<std::size_t> integers;     // places in x of columns of whole numbers
  std::vector<double> whole;             // these numbers, n x integers.size(), in data units; empty where `file` has them
  std::vector<double> weights;           // of the rows, with a mean of 1; empty: all 1
  double log_det = 0;                    // weighted mean over the rows of log|det d flow units / d data units|
  const Part* file = nullptr;            // of rows that stay in their file
  const data::Schema* schema = nullptr;  // and their units
  std::uint64_t seed = 0;                // and of their whole numbers' points
  std::shared_ptr<Rows<T>> sample;       // the rows to look at, in memory, where that are not all rows as they are
  const Rows<T>& looked_at() const { return sample ? *sample : *this; }

  double weight(std::size_t row) const { return weights.empty() ? 1.0 : weights[row]; }

  /// Room that a thread keeps from one block to the next.
  struct Buffer {
    data::Columns x, context;
  };
  /// Copies rows to x (padded x D) and context (padded x C), those after them like the first one. Where `whole` is wanted (padded x integers.size()): their whole
  /// numbers; these columns of x are then anything.
  void load(std::span<const std::uint32_t> places, Index padded, T* to_x, T* to_context, double* to_whole, Buffer& buffer) const;
  /// The same for rows that follow each other.
  void load(std::size_t first, std::size_t rows, Index padded, T* to_x, T* to_context, Buffer& buffer) const;
};

/// One part in the flow's units. `part` and `schema` must outlive the rows.
template <class T>
Rows<T> encoded(const data::Schema& schema, const Part& part, std::uint64_t seed);

}  // namespace flowfit::training
