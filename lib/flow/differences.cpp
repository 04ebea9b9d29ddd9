// Central differences with several steps: one may straddle a kink (of a relu, of a spline's knot), or be too coarse or too fine for where it is; a wrong
// formula is wrong with every one.
#include "flow/differences.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/random.h"

namespace flowfit::flow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double steps[] = {1e-3, 1e-4, 1e-5, 1e-6, 1e-7};

// −1 or 1, each as likely.
std::vector<double> signs(const core::RandomKey& key, std::uint64_t row, std::size_t count) {
  std::vector<double> all(count);
  key.uniforms(row, all);
  for (double& v : all) v = v < 0.5 ? -1 : 1;
  return all;
}

void lower_to(double& best, double value) {
  if (value < best) best = value;  // false for NaN
}

/// log|det| of the Jacobian of encode at each of `count` rows, by central differences of `step` times a cell's length.
std::vector<double> numeric_log_det(const Model& model, const Places& at, std::size_t count, double step,
                                    core::ThreadPool& pool) {
  const std::size_t dims = at.rows.size(), each = 2 * dims;
  data::Columns moved(dims), given(at.context.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t d = 0; d < dims; ++d) moved[d].insert(moved[d].end(), each, at.rows[d][i]);
    for (std::size_t c = 0; c < given.size(); ++c) given[c].insert(given[c].end(), each, at.context[c][i]);
    for (std::size_t d = 0; d < dims; ++d) {
      moved[d][i * each + 2 * d] += step * at.lengths[d][i];
      moved[d][i * each + 2 * d + 1] -= step * at.lengths[d][i];
    }
  }
  std::vector<double> unused(count * each), result(count);
  const data::Columns z = model.encode(moved, given, unused, pool);
  Eigen::MatrixXd jacobian(static_cast<Eigen::Index>(dims), static_cast<Eigen::Index>(dims));
  for (std::size_t i = 0; i < count; ++i) {
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

}  // namespace

void raise_to(double& worst, double value) { worst = std::isnan(value) ? infinity : std::max(worst, value); }

double log_det_difference(const Model& model, const Places& at, std::size_t count, core::ThreadPool& pool) {
  std::vector<double> log_det(at.rows.front().size()), best(count, infinity);
  (void)model.encode(at.rows, at.context, log_det, pool);
  for (const double step : steps) {
    const std::vector<double> numeric = numeric_log_det(model, at, count, step, pool);
    for (std::size_t i = 0; i < count; ++i) lower_to(best[i], std::abs(numeric[i] - log_det[i]));
  }
  double worst = 0;
  for (const double difference : best) raise_to(worst, difference);
  return worst;
}

double row_gradient_difference(const Model& model, const Places& at, core::ThreadPool& pool, std::uint64_t seed) {
  constexpr std::uint32_t directions = 3;
  const std::size_t dims = at.rows.size(), rows = at.rows.front().size();
  const data::Columns gradient = model.gradient(at.rows, at.context).rows;
  double worst = 0;
  for (std::uint32_t n = 0; n < directions; ++n) {
    std::vector<double> best(rows, infinity), above(rows), below(rows);
    for (const double step : steps) {
      data::Columns up = at.rows, down = at.rows;
      std::vector<double> product(rows, 0.0);
      for (std::size_t d = 0; d < dims; ++d) {
        const std::vector<double> sign = signs({seed, core::Purpose::check, 100 + n}, d, rows);
        for (std::size_t i = 0; i < rows; ++i) {
          up[d][i] += step * at.lengths[d][i] * sign[i];
          down[d][i] -= step * at.lengths[d][i] * sign[i];
          product[i] += gradient[d][i] * (up[d][i] - down[d][i]) / (2 * step);  // as rounded
        }
      }
      model.log_prob(up, at.context, above, pool);
      model.log_prob(down, at.context, below, pool);
      for (std::size_t i = 0; i < rows; ++i)
        lower_to(best[i], std::abs((above[i] - below[i]) / (2 * step) - product[i]) / (1 + std::abs(product[i])));
    }
    for (const double error : best) raise_to(worst, error);
  }
  return worst;
}

ParameterDifference parameter_gradient_difference(const Model& model, const Places& at, core::ThreadPool& pool,
                                                  std::uint64_t seed) {
  constexpr double good_enough = 1e-7;
  const std::size_t rows = at.rows.front().size();
  const std::vector<Model::ParameterInfo> tensors = model.parameters();
  std::vector<std::vector<double>> directions;  // of each tensor; empty: nothing is learned
  std::size_t size = 0;
  for (const Model::ParameterInfo& tensor : tensors) {
    size += tensor.size;
    directions.push_back(signs({seed, core::Purpose::check, 200}, directions.size(), tensor.learned ? tensor.size : 0));
  }
  // Each row's slope along them. One row at a time: a row where a difference is coarse does not cover what another one shows.
  std::vector<std::vector<double>> slopes(tensors.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const Places row = at.only(i);
    const std::vector<double> gradient = model.gradient(row.rows, row.context).parameters;
    auto from = gradient.begin();
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      slopes[t].push_back(std::inner_product(directions[t].begin(), directions[t].end(), from, 0.0));
      from += static_cast<std::ptrdiff_t>(tensors[t].size);
    }
  }
  ParameterDifference worst;
  std::vector<double> move(size, 0.0), above(rows), below(rows);
  std::size_t place = 0;
  for (std::size_t t = 0; t < tensors.size(); place += tensors[t++].size) {
    const std::vector<double>& sign = directions[t];
    if (sign.empty()) continue;
    ++worst.tensors;
    const auto moved = [&](double step, std::vector<double>& scores) {
      for (std::size_t i = 0; i < sign.size(); ++i) move[place + i] = step * sign[i];
      model.log_prob_moved(move, at.rows, at.context, scores, pool);
    };
    std::vector<double> best(rows, infinity);
    for (const double step : steps) {
      moved(step, above);
      moved(-step, below);
      for (std::size_t i = 0; i < rows; ++i) {
        const double difference = (above[i] - below[i]) / (2 * step), slope = slopes[t][i];
        lower_to(best[i], std::abs(difference - slope) / (1 + std::abs(slope)));
      }
      if (std::ranges::max(best) < good_enough) break;
    }
    std::fill_n(move.begin() + static_cast<std::ptrdiff_t>(place), sign.size(), 0.0);
    const double off = std::ranges::max(best);
    if (off > worst.value || worst.where.empty()) worst.where = tensors[t].name;
    raise_to(worst.value, off);
  }
  return worst;
}

}  // namespace flowfit::flow
