// Every transform of the registry in every form that the property tests run.
#pragma once

#include <string>
#include <vector>

namespace flowfit::test {

struct Case {
  std::string type, config;  ///< the layer's JSON
  int features = 2, context = 0;
  bool scheme = false;   ///< built around a univariate
  bool further = false;  ///< and not around the univariate's first example: about its options, which no scheme sees
  bool inverted = false;
  double tolerance = 1e-9;  ///< that the entry declares for its inverse, in float64
  std::string name() const;
};

/// Each entry of transforms() × its examples × every example of every univariate, as it is, conditional, and with "inverse": true. Forms that the config reader
/// refuses (an act_norm turned around) are left out. With FLOWFIT_CASES=text in the environment: only those whose config has the text in it.
const std::vector<Case>& cases();
bool filtered();

}  // namespace flowfit::test
