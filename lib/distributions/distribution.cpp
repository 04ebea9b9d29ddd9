// The registry of base distributions.
#include "distributions/distribution.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace flowfit::distributions {

template <class T>
std::pair<double, double> Distribution<T>::support() const {
  return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
}

template <class T>
Var<T> Distribution<T>::log_prob_present(Pass<T>&, Var<T>, Var<T>) const {
  throw std::logic_error("distribution: it does not marginalize");
}

#define ENTRY(word) DistributionEntry word##_distribution();
#include "registry/distributions.inc"
#undef ENTRY

const std::vector<DistributionEntry>& distributions() {
  static const std::vector<DistributionEntry> entries{
#define ENTRY(word) word##_distribution(),
#include "registry/distributions.inc"
#undef ENTRY
  };
  return entries;
}

template <class T>
std::unique_ptr<Distribution<T>> make_distribution(const config::Node& node, const Build& build) {
  std::vector<std::string> types;
  for (const DistributionEntry& entry : distributions()) types.push_back(entry.type);
  if (node.exists()) (void)node.expect_object();
  const std::string type = node.choice("type", "normal", types);
  const auto found = std::ranges::find(distributions(), type, &DistributionEntry::type);
  const DistributionEntry& entry = found == distributions().end() ? distributions().front() : *found;
  std::unique_ptr<Distribution<T>> made;
  if constexpr (std::is_same_v<T, float>)
    made = entry.make_float(node, build);
  else
    made = entry.make_double(node, build);
  node.finish();
  return made;
}

template class Distribution<float>;
template class Distribution<double>;
template std::unique_ptr<Distribution<float>> make_distribution<float>(const config::Node&, const Build&);
template std::unique_ptr<Distribution<double>> make_distribution<double>(const config::Node&, const Build&);

}  // namespace flowfit::distributions
