// Every transform of the registry in every form that the property tests run.
#pragma once

#include <string>
#include <vector>

namespace flowfit::test {

struct Case {
  std::string type, config;  ///< the layer's JSON
  int features = 2, context = 0;
  bool scheme = false;  ///< built around a univariate
  bool inverted = false;
  std::string name() const;
};

/// Each entry of transforms() × its examples × every example of every univariate, as it is, conditional, and with "inverse": true. Forms that the config reader
/// refuses (an act_norm turned around) are left out.
const std::vector<Case>& cases();

}  // namespace flowfit::test
