// Rows with missing cells: which of them a model can score.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "flow/model.h"

namespace flowfit::flow {

/// A row whose cells that are there have no density in closed form without the missing ones (NaN).
struct Inexact {
  std::size_t row;
  int there, missing;  ///< columns: one that is there, and one that it needs
};

/// Of some rows of a model that takes missing cells, ascending.
std::vector<Inexact> inexact_rows(const Model& model, const data::Columns& columns);

/// Throws DataError for the first row that such a model cannot score: an inexact one, one without any cell, or with a missing cell of context.
/// `place(row)`: where it stands, for the message.
void refuse_inexact(const Model& model, const data::Columns& columns, const data::Columns& context,
                    const std::function<std::string(std::size_t)>& place);

}  // namespace flowfit::flow
