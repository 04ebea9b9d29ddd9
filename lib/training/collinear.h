// Columns that follow from others: where their density is unbounded.
#pragma once

#include <string>
#include <vector>

#include "data/columns.h"

namespace flowfit::training {

/// A line for each column that is a linear function of those before it, but for 1e-8 of its variance; columns that equal another are left out.
std::vector<std::string> collinear(const data::Columns& columns, const std::vector<std::string>& names);

}  // namespace flowfit::training
