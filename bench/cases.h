// The work that flowfit and its peers are timed on, by name: the same shapes as bench/peers/cases.py.
#pragma once

#include <string>
#include <vector>

namespace flowfit::bench {

struct Case {
  std::string name;
  int columns, rows;
  std::string config;  ///< JSON
  std::string kind;    ///< train, score or sample: what a step does with `rows` rows
  double weights = 0;  ///< entries of the networks' weight matrices, masked ones counted
};

const std::vector<Case>& cases();
const Case& case_named(const std::string& name);  ///< throws std::invalid_argument

}  // namespace flowfit::bench
