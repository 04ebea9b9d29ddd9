// Reading and inverting column orders.
#include "transforms/order.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace flowfit::transforms {

std::vector<int> read_order(const config::Node& node, std::string_view fallback, const Build& build) {
  std::vector<int> order(static_cast<std::size_t>(build.features));
  std::iota(order.begin(), order.end(), 0);
  const config::Node given = node.member("order");
  if (given.is_array()) {
    std::vector<int> list = node.integers("order", order, 0, std::max(build.features - 1, 0));
    if (std::ranges::is_permutation(list, order)) return list;
    given.error("expected each of the columns 0 … " + std::to_string(build.features - 1) + " once");
    return order;
  }
  const std::string name = node.choice("order", fallback, {"given", "reverse", "random"});
  if (name == "reverse") std::ranges::reverse(order);
  if (name == "random") {
    const std::vector<std::uint32_t> drawn = core::permutation({build.seed, core::Purpose::order, build.place}, order.size());
    std::ranges::copy(drawn, order.begin());
    node.resolve("order", config::Json(order));
  }
  return order;
}

std::vector<int> inverse_order(const std::vector<int>& order) {
  std::vector<int> where(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) where[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  return where;
}

}  // namespace flowfit::transforms
