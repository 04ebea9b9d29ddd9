// Folds of a table: what cross-validation trains on, and what it holds out.
#pragma once

#include <cstdint>

#include "data/dataset.h"

namespace flowfit::training {

struct Fold {
  data::Dataset train, held;
};

/// Fold `number` (from 0) of `count`: the rows, shuffled by the seed, are cut into parts of nearly equal size, and this one is held out. Rows keep their
/// order. Throws DataError for fewer rows than 2 · count.
Fold fold(const data::Dataset& table, int number, int count, std::uint64_t seed);

}  // namespace flowfit::training
