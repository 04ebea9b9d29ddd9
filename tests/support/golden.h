// Goldens: JSON files of what other packages compute, made by scripts/make_goldens, and the comparison with them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/subject.h"

namespace flowfit::test {

struct Golden {
  std::string name;  ///< of the file
  config::Json json;
};

/// The files of tests/golden/<room>, by name; those alone whose name has the word in FLOWFIT_CASES, where it is set.
std::vector<Golden> goldens(const std::string& room);

/// Rows of numbers as one block of the model, filled up with copies of the first.
Matrix<double> golden_block(const config::Json& rows);

/// The file's parameters in the model's vector: `prefix` is that of their names. All must be there, and no others.
std::vector<double> golden_parameters(const Golden& golden, const nn::ParameterLayout& layout, const std::string& prefix);

/// Seeds the adjoint of an output with the file's numbers; the rows that fill up the block get none.
void golden_seed(const config::Json& adjoints, Var<double> output);

/// Every number within the file's tolerance (1e-9 by default) of itself or 1, whichever is more.
void compare_golden(const Golden& golden, const std::string& what, const config::Json& expected, const Matrix<double>& got);
/// Gradients by name against the model's.
void compare_golden_gradients(const Golden& golden, const std::string& what, const config::Json& expected,
                              const nn::ParameterLayout& layout, const std::string& prefix, const std::vector<double>& got);

}  // namespace flowfit::test
