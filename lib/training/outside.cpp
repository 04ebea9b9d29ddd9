// Scores every row once, and shows the first that has none.
#include "training/outside.h"

#include "core/error.h"
#include "core/text.h"

namespace flowfit::training {

std::string row_text(const data::Schema& schema, const Part& rows, std::size_t row, std::size_t count, const char* part) {
  data::Columns columns, context;
  rows.read(row, 1, columns, context);
  std::vector<std::string> cells;
  for (std::size_t d = 0; d < columns.size(); ++d)
    cells.push_back(schema.columns[d].name + " = " + schema.columns[d].text(columns[d].front()));
  return core::joined(cells) + " (row " + std::to_string(row + 1) + " of the " + part + " part" +
         (count > 1 ? ", the first of " + std::to_string(count) : "") + ")";
}

template <class T>
void refuse_rows_outside(Trainer<T>& trainer, const flow::TypedModel<T>& model, const Parts& parts, const Rows<T>& train,
                         const Rows<T>& validation) {
  const auto look = [&](const Rows<T>& rows, const Part& part, const char* name) {
    const std::vector<std::size_t> bad = trainer.bad_rows(rows, model.weights());
    if (bad.empty()) return;
    throw core::DataError(part.source() + ": expected rows inside the support of the flow, got " +
                          row_text(model.schema(), part, bad.front(), bad.size(), name) +
                          "; its density is zero there: change the flow, or leave such rows out");
  };
  look(train, parts.train, "training");
  look(validation, parts.validation, "validation");
}

template void refuse_rows_outside(Trainer<float>&, const flow::TypedModel<float>&, const Parts&, const Rows<float>&,
                                  const Rows<float>&);
template void refuse_rows_outside(Trainer<double>&, const flow::TypedModel<double>&, const Parts&, const Rows<double>&,
                                  const Rows<double>&);

}  // namespace flowfit::training
