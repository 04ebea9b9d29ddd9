// Scores of rows that stand for more than a point: whole numbers for their cells, places on a circle for their turns.
#pragma once

#include <functional>
#include <span>

#include "data/schema.h"

namespace flowfit::flow {

/// log-densities of rows in the flow's units, per unit of those.
using ScoreEncoded = std::function<void(const data::Columns& encoded, std::span<double> out)>;

/// The scores of rows in data units, log-Jacobian included: `score` at the row itself, or the logarithm of the weighted sum over the points of its cell
/// (data::Schema::cell_points, `integer_points` of them). −∞ where a number of an integer column is not whole and where a finite row lies outside the support.
void score_rows(const data::Schema& schema, int integer_points, const data::Columns& columns, std::span<double> out,
                const ScoreEncoded& score);

}  // namespace flowfit::flow
