// Round trip, log-determinant and integral of a model.
#include "flow/check.h"

#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/random.h"

namespace flowfit::flow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double round_trip_limit = 1e-8, log_det_limit = 1e-5, integral_limit = 2e-3;

// Contexts like those of the training: normal around each column's location, or standard normal where nothing is preprocessed.
data::Columns draw_context(const Model& model, std::size_t rows, std::uint64_t seed) {
  data::Columns context;
  std::uint32_t number = 0;
  for (const data::Column& column : model.schema().context) {
    std::vector<double> values(rows);
    const core::RandomKey key{seed, core::Purpose::check, number++};
    for (std::size_t i = 0; i < rows; ++i) {
      key.normals(i, std::span(values).subspan(i, 1));
      values[i] = column.loc + column.scale * values[i];
    }
    context.push_back(std::move(values));
  }
  return context;
}

/// Where a column lies and how wide it is: its standard deviation, or that of a normal with its quartiles where this is less (a heavy tail has no deviation).
struct Spread {
  double middle, scale;
};

Spread spread(std::vector<double> values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean) / n;
  std::ranges::sort(values);
  const double quartiles = (values[values.size() * 3 / 4] - values[values.size() / 4]) / 1.349, deviation = std::sqrt(squares);
  return {values[values.size() / 2], quartiles > 0 ? std::min(deviation, quartiles) : deviation};
}

// NaN counts as infinitely wrong.
void raise(double& worst, double value) { worst = std::isnan(value) ? infinity : std::max(worst, value); }

double round_trip(const Model& model, const data::Columns& x, const data::Columns& context, const std::vector<double>& scales,
                  core::ThreadPool& pool) {
  std::vector<double> log_det(x.front().size());
  const data::Columns back = model.decode(model.encode(x, context, log_det, pool), context, log_det, pool);
  double worst = 0;
  for (std::size_t d = 0; d < x.size(); ++d)
    for (std::size_t i = 0; i < x[d].size(); ++i)
      raise(worst, std::abs(back[d][i] - x[d][i]) / std::max(std::abs(x[d][i]), scales[d]));
  return worst;
}

/// log|det| of the Jacobian of encode at each of `rows` rows, by central differences of `step` times a column's scale.
std::vector<double> numeric_log_det(const Model& model, const data::Columns& x, const data::Columns& context, std::size_t rows,
                                    const std::vector<double>& scales, double step, core::ThreadPool& pool) {
  const std::size_t dims = x.size(), each = 2 * dims;
  data::Columns moved(dims), given(context.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t d = 0; d < dims; ++d) moved[d].insert(moved[d].end(), each, x[d][i]);
    for (std::size_t c = 0; c < context.size(); ++c) given[c].insert(given[c].end(), each, context[c][i]);
    for (std::size_t d = 0; d < dims; ++d) {
      moved[d][i * each + 2 * d] += step * scales[d];
      moved[d][i * each + 2 * d + 1] -= step * scales[d];
    }
  }
  std::vector<double> unused(rows * each), result(rows);
  const data::Columns z = model.encode(moved, given, unused, pool);
  Eigen::MatrixXd jacobian(static_cast<Eigen::Index>(dims), static_cast<Eigen::Index>(dims));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t d = 0; d < dims; ++d) {
      const std::size_t up = i * each + 2 * d, down = up + 1;
      const double width = moved[d][up] - moved[d][down];  // as rounded
      for (std::size_t k = 0; k < dims; ++k)
        jacobian(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(d)) = (z[k][up] - z[k][down]) / width;
    }
    result[i] = jacobian.partialPivLu().matrixLU().diagonal().array().abs().log().sum();
  }
  return result;
}

double log_det_difference(const Model& model, const data::Columns& x, const data::Columns& context, std::size_t rows,
                          const std::vector<double>& scales, core::ThreadPool& pool) {
  std::vector<double> log_det(x.front().size()), best(rows, infinity);
  (void)model.encode(x, context, log_det, pool);
  // A step may straddle a kink (of a relu, of a spline's knot), or be too coarse or too fine for where it is: a wrong formula is
  // wrong with every step.
  for (const double step : {1e-4, 1e-5, 1e-6, 1e-7}) {
    const std::vector<double> numeric = numeric_log_det(model, x, context, rows, scales, step, pool);
    for (std::size_t i = 0; i < rows; ++i) {
      const double difference = std::abs(numeric[i] - log_det[i]);
      if (difference < best[i]) best[i] = difference;  // false for NaN
    }
  }
  double worst = 0;
  for (const double difference : best) raise(worst, difference);
  return worst;
}

struct Cell {
  std::array<double, 2> low{}, high{};
  double estimate = 0;
};

/// Coordinates in which a heavy tail is a light one: x = middle + scale·sinh(u).
double stretched(const Spread& s, double u) { return s.middle + s.scale * std::sinh(u); }
double unstretched(const Spread& s, double x) { return std::asinh((x - s.middle) / s.scale); }

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
          slopes *= spreads_[d].scale * std::cosh(u);
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
  result.off = {std::abs(result.value - 1), integral_limit};
  return result;
}

ModelCheck check_model(const Model& model, core::ThreadPool& pool, std::uint64_t seed) {
  constexpr std::size_t rows = 2000, most_moved = 1 << 17, most_log_det_rows = 64;
  const std::size_t dims = model.schema().columns.size();
  const data::Columns context = draw_context(model, rows, seed);
  const data::Columns x = model.sample(seed, 0, rows, context, pool);
  std::vector<double> scales;
  for (const std::vector<double>& column : x) scales.push_back(spread(column).scale);

  ModelCheck check;
  check.rows = rows;
  check.log_det_rows = std::clamp<std::size_t>(most_moved / (2 * dims), 1, most_log_det_rows);
  check.round_trip = {round_trip(model, x, context, scales, pool), round_trip_limit};
  check.log_det = {log_det_difference(model, x, context, check.log_det_rows, scales, pool), log_det_limit};
  if (dims > 2) return check;
  // The first drawn contexts, and the middle.
  constexpr std::size_t more_contexts = 2;
  for (std::size_t i = 0; i <= (context.empty() ? 0 : more_contexts); ++i) {
    std::vector<double> given;
    for (std::size_t c = 0; c < context.size(); ++c) given.push_back(i == 0 ? model.schema().context[c].loc : context[c][i]);
    Integral integral = integrate(model, given, pool, seed);
    if (!check.integral || !(integral.off.value <= check.integral->off.value)) check.integral = std::move(integral);
  }
  return check;
}

}  // namespace flowfit::flow
