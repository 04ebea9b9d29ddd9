// A fixed number of rows out of a stream of any length, each as likely as any other.
#pragma once

#include <cstddef>
#include <vector>

#include "core/random.h"
#include "data/columns.h"

namespace flowfit::diagnostics {

/// Algorithm R (Vitter 1985): the first rows, then each row in place of one that is drawn. The same stream gives the same rows. The places they end in are in no order
/// that means anything once more came than are kept.
class Subsample {
 public:
  explicit Subsample(std::size_t most) : most_(most) {}

  /// The place for the next row of the stream, or `none`. Places are given out from 0 up before one is given out again.
  std::size_t next();
  static constexpr std::size_t none = ~std::size_t{0};
  std::size_t seen() const { return seen_; }

 private:
  std::size_t most_, seen_ = 0;
};

/// Copies row `from` of `columns` to the place `to`: at its end, or over another row.
void put_row(data::Columns& into, std::size_t to, const data::Columns& columns, std::size_t from);

/// At most `most` of 0 … count−1, in order, drawn without regard to their order.
std::vector<std::size_t> some_of(std::size_t count, std::size_t most);

}  // namespace flowfit::diagnostics
