// Rows with missing cells: which of them a model can score.
#include "flow/missing.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::flow {

std::vector<Inexact> inexact_rows(const Model& model, const data::Columns& columns) {
  std::vector<Inexact> found;
  std::map<std::vector<bool>, std::optional<std::pair<int, int>>>
      known;  // by the pattern of missing cells, of which tables have few
  std::vector<bool> missing(columns.size());
  for (std::size_t row = 0; row < columns.front().size(); ++row) {
    bool whole = true;
    for (std::size_t d = 0; d < columns.size(); ++d) {
      missing[d] = std::isnan(columns[d][row]);
      whole = whole && !missing[d];
    }
    if (whole) continue;
    auto pattern = known.find(missing);
    if (pattern == known.end()) pattern = known.emplace(missing, model.inexact(missing)).first;
    if (pattern->second) found.push_back({row, pattern->second->first, pattern->second->second});
  }
  return found;
}

void refuse_inexact(const Model& model, const data::Columns& columns, const data::Columns& context,
                    const std::function<std::string(std::size_t)>& place) {
  const data::Schema& schema = model.schema();
  for (std::size_t row = 0; row < columns.front().size(); ++row) {
    const auto missing = [row](const std::vector<double>& column) { return std::isnan(column[row]); };
    if (std::ranges::all_of(columns, missing))
      throw core::DataError(core::message(place(row), "expected a row with a cell that is there", "none"));
    const auto given = std::ranges::find_if(context, missing);
    if (given != context.end())
      throw core::DataError(core::message(
          place(row),
          "expected a value for " + core::quoted(schema.context_names()[static_cast<std::size_t>(given - context.begin())]),
          "a missing cell", "what a density is conditioned on cannot be integrated out; leave such rows out"));
  }
  const std::vector<Inexact> all = inexact_rows(model, columns);
  if (all.empty()) return;
  const auto name = [&](int d) { return core::quoted(schema.columns[static_cast<std::size_t>(d)].name); };
  const Inexact& first = all.front();
  throw core::DataError(core::message(
      place(first.row), "expected " + name(first.missing) + " where " + name(first.there) + " is there, since it looks at it",
      "a missing cell",
      "put columns that are often missing last in data.columns, with layers that keep the order of the columns or factors of one "
      "column each, or use \"missing\": \"drop\""));
}

}  // namespace flowfit::flow
