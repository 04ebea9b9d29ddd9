// The registry of univariates.
#include "transforms/univariate.h"

#include <algorithm>

namespace flowfit::transforms {

#define ENTRY(word) UnivariateEntry word##_univariate();
#include "registry/univariates.inc"
#undef ENTRY

const std::vector<UnivariateEntry>& univariates() {
  static const std::vector<UnivariateEntry> entries{
#define ENTRY(word) word##_univariate(),
#include "registry/univariates.inc"
#undef ENTRY
  };
  return entries;
}

template <class T>
std::unique_ptr<Univariate<T>> make_univariate(const config::Node& node) {
  std::vector<std::string> types;
  for (const UnivariateEntry& entry : univariates()) types.push_back(entry.type);
  const std::string type = node.expect_object() ? node.required_choice("type", types) : std::string();
  const auto found = std::ranges::find(univariates(), type, &UnivariateEntry::type);
  const UnivariateEntry& entry = found == univariates().end() ? univariates().front() : *found;
  std::unique_ptr<Univariate<T>> made;
  if constexpr (std::is_same_v<T, float>)
    made = entry.make_float(node);
  else
    made = entry.make_double(node);
  made->tolerance_ = entry.tolerance;
  if (found != univariates().end()) node.finish();
  return made;
}

template std::unique_ptr<Univariate<float>> make_univariate<float>(const config::Node&);
template std::unique_ptr<Univariate<double>> make_univariate<double>(const config::Node&);

}  // namespace flowfit::transforms
