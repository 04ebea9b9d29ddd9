// Adaptive quadrature over boxes that a sample of the model marks out.
#include "flow/integral.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "flow/spread.h"

namespace flowfit::flow {
namespace {

struct Cell {
  std::array<double, 2> low{}, high{};
  double estimate = 0;
};

/// Adaptive Gauss quadrature over boxes of one or two dimensions, level by level so that the model scores many points at once. Cells are in coordinates u.
class Quadrature {
 public:
  Quadrature(const Model& model, const std::vector<double>& context, const std::vector<Spread>& spreads, core::ThreadPool& pool)
      : model_(model), context_(context), spreads_(spreads), pool_(pool), dims_(model.schema().columns.size()) {}

  void run(std::vector<Cell> cells, Integral& result) {
    evaluate(cells);
    while (!cells.empty()) {
      std::vector<Cell> children;
      for (const Cell& cell : cells) halve(cell, children);
      evaluate(children);
      const std::size_t each = std::size_t{1} << dims_;
      const double enough = target / static_cast<double>(std::max<std::size_t>(cells.size(), 64));
      std::vector<Cell> next;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < each; ++k) sum += children[i * each + k].estimate;
        const double difference = std::abs(sum - cells[i].estimate);
        if (difference <= enough || points_ > most_points || std::isnan(difference)) {
          result.value += sum;
          result.error += difference;
        } else {
          next.insert(next.end(), children.begin() + static_cast<std::ptrdiff_t>(i * each),
                      children.begin() + static_cast<std::ptrdiff_t>((i + 1) * each));
        }
      }
      cells = std::move(next);
    }
    result.points = points_;
  }

  /// Cuts a cell in half along each dimension.
  void halve(const Cell& cell, std::vector<Cell>& to) const {
    for (std::size_t k = 0; k < std::size_t{1} << dims_; ++k) {
      Cell child = cell;
      for (std::size_t d = 0; d < dims_; ++d) {
        const double middle = 0.5 * (cell.low[d] + cell.high[d]);
        ((k >> d & 1) != 0 ? child.low[d] : child.high[d]) = middle;
      }
      to.push_back(child);
    }
  }

 private:
  static constexpr double target = 1e-4;
  static constexpr std::size_t most_points = 20'000'000, batch = 1 << 18, order = 4;
  static constexpr std::array<double, order> nodes = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563,
                                                      0.8611363115940526};
  static constexpr std::array<double, order> weights = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461,
                                                        0.3478548451374538};

  void evaluate(std::vector<Cell>& cells) {
    const std::size_t each = dims_ == 1 ? order : order * order;
    for (std::size_t first = 0; first < cells.size(); first += batch / each)
      evaluate(std::span(cells).subspan(first, std::min(batch / each, cells.size() - first)), each);
  }

  void evaluate(std::span<Cell> cells, std::size_t each) {
    data::Columns x(dims_), given;
    std::vector<double> scores(cells.size() * each), slope;
    for (const Cell& cell : cells) {
      for (std::size_t p = 0; p < each; ++p) {
        const std::array<std::size_t, 2> at = {p % order, p / order};
        double slopes = 1;
        for (std::size_t d = 0; d < dims_; ++d) {
          const double u = 0.5 * (cell.low[d] + cell.high[d]) + 0.5 * (cell.high[d] - cell.low[d]) * nodes[at[d]];
          x[d].push_back(stretched(spreads_[d], u));
          slopes *= stretch(spreads_[d], u);
        }
        slope.push_back(slopes);
      }
    }
    for (const double value : context_) given.emplace_back(scores.size(), value);
    model_.log_prob(x, given, scores, pool_);
    points_ += scores.size();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      double sum = 0;
      for (std::size_t p = 0; p < each; ++p)
        sum +=
            std::exp(scores[i * each + p]) * slope[i * each + p] * weights[p % order] * (dims_ == 1 ? 1.0 : weights[p / order]);
      for (std::size_t d = 0; d < dims_; ++d) sum *= 0.5 * (cells[i].high[d] - cells[i].low[d]);
      cells[i].estimate = sum;
    }
  }

  const Model& model_;
  const std::vector<double>& context_;
  const std::vector<Spread>& spreads_;
  core::ThreadPool& pool_;
  std::size_t dims_, points_ = 0;
};

/// Cuts cells until each holds few of the sample's rows: quadrature alone may step over a narrow peak.
void split_by_rows(const Quadrature& quadrature, const data::Columns& x, const Cell& cell, const std::vector<std::uint32_t>& rows,
                   int depth, std::vector<Cell>& to) {
  constexpr std::size_t few = 200;
  constexpr int deepest = 24, shallowest = 4;
  if ((rows.size() <= few && depth >= shallowest) || depth == deepest) {
    to.push_back(cell);
    return;
  }
  std::vector<Cell> children;
  quadrature.halve(cell, children);
  std::vector<std::vector<std::uint32_t>> parts(children.size());
  for (const std::uint32_t row : rows) {
    std::size_t k = 0;
    for (std::size_t d = 0; d < x.size(); ++d)
      k |= static_cast<std::size_t>(x[d][row] >= 0.5 * (cell.low[d] + cell.high[d])) << d;
    parts[k].push_back(row);
  }
  for (std::size_t k = 0; k < children.size(); ++k) split_by_rows(quadrature, x, children[k], parts[k], depth + 1, to);
}

}  // namespace

Integral integrate(const Model& model, const std::vector<double>& context, core::ThreadPool& pool, std::uint64_t seed) {
  constexpr std::size_t rows = 100'000;  // about 4e-5 of the mass of two columns lies beyond the outermost of them
  constexpr double margin = 0.05;
  const std::size_t dims = model.schema().columns.size();
  if (dims < 1 || dims > 2) throw std::logic_error("integrate: one or two columns");
  data::Columns given;
  for (const double value : context) given.emplace_back(rows, value);
  data::Columns x = model.sample(seed, 0, rows, given, pool);
  Integral result;
  Cell box;
  std::vector<Spread> spreads;
  for (std::size_t d = 0; d < dims; ++d) {
    spreads.push_back(spread(x[d]));
    if (!(spreads[d].scale > 0)) spreads[d].scale = 1;
    for (double& v : x[d]) v = unstretched(spreads[d], v);
    const auto [low, high] = std::minmax_element(x[d].begin(), x[d].end());
    const double width = std::max(*high - *low, std::numeric_limits<double>::min());
    box.low[d] = *low - margin * width;
    box.high[d] = *high + margin * width;
    result.low.push_back(stretched(spreads[d], box.low[d]));
    result.high.push_back(stretched(spreads[d], box.high[d]));
  }
  std::vector<std::uint32_t> all(rows);
  for (std::size_t i = 0; i < rows; ++i) all[i] = static_cast<std::uint32_t>(i);
  Quadrature quadrature(model, context, spreads, pool);
  std::vector<Cell> cells;
  split_by_rows(quadrature, x, box, all, 0, cells);
  quadrature.run(std::move(cells), result);
  return result;
}

}  // namespace flowfit::flow
