// Numbers by columns.
#pragma once

#include <vector>

namespace flowfit::data {

/// D columns of n numbers each: the form in which tables enter and leave the library (always double).
using Columns = std::vector<std::vector<double>>;

}  // namespace flowfit::data
