// Scores of rows that stand for more than a point: whole numbers for their cells, places on a circle for their turns.
#include "flow/cells.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace flowfit::flow {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

void score_at(const data::Schema& schema, const data::CellPoint& point, const data::Columns& columns, std::span<double> out,
              const ScoreEncoded& score) {
  data::Columns x = columns;
  std::vector<double> jacobian(out.size());
  const auto move = [&x](const std::vector<double>& by) {
    for (std::size_t d = 0; d < by.size(); ++d)
      if (by[d] != 0)
        for (double& value : x[d]) value += by[d];
  };
  move(point.data);
  schema.encode(x, jacobian);
  move(point.encoded);
  score(x, out);
  for (std::size_t row = 0; row < out.size(); ++row) {
    out[row] += jacobian[row];
    if (!std::isnan(out[row])) continue;
    // A finite row so far out that its square overflows, or outside the limits, has a density of zero.
    if (std::ranges::all_of(columns, [row](const std::vector<double>& column) { return std::isfinite(column[row]); }))
      out[row] = minus_infinity;
  }
}

/// Whether the point is a turn of a circle whose cell is missing: the row itself stands for all of them.
bool turns_missing(const data::CellPoint& point, const data::Columns& columns, std::size_t row) {
  for (std::size_t d = 0; d < point.encoded.size(); ++d)
    if (point.encoded[d] != 0 && std::isnan(columns[d][row])) return true;
  return false;
}

}  // namespace

void score_rows(const data::Schema& schema, int integer_points, const data::Columns& columns, std::span<double> out,
                const ScoreEncoded& score) {
  const std::vector<data::CellPoint> points = schema.cell_points(static_cast<std::size_t>(integer_points));
  if (points.empty()) return score_at(schema, {}, columns, out, score);
  // The logarithm of the points' sum, kept as a largest term and the sum by it.
  std::vector<double> scores(out.size()), sum(out.size(), 0.0);
  std::ranges::fill(out, minus_infinity);
  for (const data::CellPoint& point : points) {
    score_at(schema, point, columns, scores, score);
    for (std::size_t row = 0; row < out.size(); ++row) {
      const double top = std::max(out[row], scores[row]);
      if (std::isinf(top) || turns_missing(point, columns, row)) continue;
      sum[row] = sum[row] * std::exp(out[row] - top) + point.weight * std::exp(scores[row] - top);
      out[row] = top;
    }
  }
  for (std::size_t row = 0; row < out.size(); ++row) {
    out[row] = sum[row] > 0 ? out[row] + std::log(sum[row]) : minus_infinity;
    for (std::size_t d = 0; d < columns.size(); ++d)
      if (schema.columns[d].kind == data::Kind::integer && columns[d][row] != std::floor(columns[d][row]) &&
          !std::isnan(columns[d][row]))
        out[row] = minus_infinity;
  }
}

}  // namespace flowfit::flow
