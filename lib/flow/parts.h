// A model with columns of several kinds as two: of its categories, and of its numbers given the categories.
#pragma once

#include <memory>
#include <string>

#include "flow/model.h"

namespace flowfit::flow {

/// p(categories | context) · p(numbers | context, categories): each factor a model of its own, with the weights of the whole and in its own right a density,
/// of an ensemble the plain mean of the members'. Null where there is no such column.
///
/// `numbers` has the categories as its last columns of context. What stands for more than a point is a number on the line there: a whole number for any of
/// its cell, a place on a circle for that of one turn. So its scores have derivatives, and are the terms that a score of the whole adds up.
struct Parts {
  std::unique_ptr<Model> categories, numbers;
};

/// Of a model file, as load_model and make_model read it. They throw as those do.
Parts load_parts(const std::string& run_or_file, bool in_double = false);
Parts make_parts(const Archive& archive, const std::string& where, bool in_double = false);

}  // namespace flowfit::flow
