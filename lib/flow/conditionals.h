// How a density splits into conditionals of single columns, where it does.
#pragma once

#include <string>
#include <vector>

namespace flowfit::flow {

/// A density as a product of conditionals of single columns.
struct Conditionals {
  std::string reason = {};                   ///< why it is none; empty: it is one
  std::vector<int> order = {};               ///< the columns, each after those that it looks at
  std::vector<std::vector<int>> looks = {};  ///< for each column, those that its conditional looks at
  std::vector<int> base = {};                ///< for each column, the base column that it is made of
};

}  // namespace flowfit::flow
