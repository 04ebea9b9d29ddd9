// Which columns a map makes its columns of: what tells whether a density splits into conditionals of single columns.
#pragma once

#include <numeric>
#include <optional>
#include <vector>

namespace flowfit::transforms {

/// Of an inverse (data → base): output column i is an increasing or decreasing function of input column own[i], and which one is decided by the input columns j
/// with looks[i][j] (and the context).
struct Links {
  std::vector<int> own;
  std::vector<std::vector<bool>> looks;

  int columns() const { return static_cast<int>(own.size()); }
  /// Each column by itself.
  static Links each(int columns);
  /// Every column looks at all others: a map that is no function of its own column alone says so too.
  static Links all(int columns);
  /// The columns in another order: output column i is input column order[i].
  static Links reordered(std::vector<int> order);

  /// Of this map's inverse applied to what the inverse `first` gives.
  Links after(const Links& first) const;
  /// Of the map turned around.
  Links turned() const;
  /// The input columns in an order in which each looks at earlier ones alone; nothing when there is none, and the map is not triangular.
  std::optional<std::vector<int>> order() const;
};

}  // namespace flowfit::transforms
