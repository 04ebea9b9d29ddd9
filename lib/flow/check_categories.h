// The check of p(c1)·p(c2 | c1)…: that it sums to one, and that what is drawn follows it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/parallel.h"
#include "flow/differences.h"
#include "flow/figure.h"
#include "flow/model.h"

namespace flowfit::flow {

struct CategoryCheck {
  std::size_t rows = 0, gradient_rows = 0;
  Figure sums;   ///< largest |Σ_k p(c_j = k | the columns before it) − 1| of a drawn row and a column
  Figure draws;  ///< largest |draws of a category − the sum of its probabilities|, in standard deviations of that difference
  ParameterDifference parameters;  ///< at the first rows
};

/// `model` is one of categories alone, loaded `in_double`.
CategoryCheck check_categories(const Model& model, core::ThreadPool& pool, std::uint64_t seed);

}  // namespace flowfit::flow
