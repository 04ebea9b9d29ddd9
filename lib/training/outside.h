// Rows that no training could begin with.
#pragma once

#include "training/trainer.h"

namespace flowfit::training {

/// `x1 = 2, x2 = 0.5 (row 41 of the training part, the first of 2)`: the row at place 40 of `rows`, the first of `count` bad ones.
std::string row_text(const data::Schema& schema, const Part& rows, std::size_t row, std::size_t count, const char* part);

/// Throws DataError for a row that the flow cannot reach as it starts: it would make every step infinite. `parts`: the same rows in data units.
template <class T>
void refuse_rows_outside(Trainer<T>& trainer, const flow::TypedModel<T>& model, const Parts& parts, const Rows<T>& train,
                         const Rows<T>& validation);

}  // namespace flowfit::training
