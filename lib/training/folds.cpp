// Cutting a shuffled table.
#include "training/folds.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/random.h"

namespace flowfit::training {

Fold fold(const data::Dataset& table, int number, int count, std::uint64_t seed) {
  const std::size_t n = table.rows(), folds = static_cast<std::size_t>(count), k = static_cast<std::size_t>(number);
  if (n < 2 * folds)
    throw core::DataError(table.source + ": expected at least " + std::to_string(2 * folds) + " rows for " +
                          std::to_string(count) + " folds, got " + std::to_string(n));
  const std::vector<std::uint32_t> order = core::permutation({seed, core::Purpose::fold}, n);
  std::vector<bool> held(n, false);
  for (std::size_t i = k * n / folds; i < (k + 1) * n / folds; ++i) held[order[i]] = true;
  Fold parts{{table.source, table.names, {}, table.texts}, {table.source, table.names, {}, table.texts}};
  for (const std::vector<double>& column : table.columns) {
    std::vector<double>&inside = parts.train.columns.emplace_back(), &outside = parts.held.columns.emplace_back();
    for (std::size_t row = 0; row < n; ++row) (held[row] ? outside : inside).push_back(column[row]);
  }
  return parts;
}

}  // namespace flowfit::training
