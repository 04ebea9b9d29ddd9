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

/// log|det| of the Jacobian of encode at each of `count` rows, by central differences of `step` times a column's scale.
std::vector<double> numeric_log_det(const Model& model, const Places& at, std::size_t count, double step,
                                    core::ThreadPool& pool) {
  const std::size_t dims = at.rows.size(), each = 2 * dims;
  data::Columns moved(dims), given(at.context.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t d = 0; d < dims; ++d) moved[d].insert(moved[d].end(), each, at.rows[d][i]);
    for (std::size_t c = 0; c < given.size(); ++c) given[c].insert(given[c].end(), each, at.context[c][i]);
    for (std::size_t d = 0; d < dims; ++d) {
      moved[d][i * each + 2 * d] += step * at.scales[d];
      moved[d][i * each + 2 * d + 1] -= step * at.scales[d];
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
          up[d][i] += step * at.scales[d] * sign[i];
          down[d][i] -= step * at.scales[d] * sign[i];
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
  const std::vector<double> gradient = model.gradient(at.rows, at.context).parameters;
  std::vector<double> move(gradient.size(), 0.0), scores(rows);
  const auto total = [&](double step, std::size_t first, const std::vector<double>& sign) {
    for (std::size_t i = 0; i < sign.size(); ++i) move[first + i] = step * sign[i];
    model.log_prob_moved(move, at.rows, at.context, scores, pool);
    return std::accumulate(scores.begin(), scores.end(), 0.0);
  };
  ParameterDifference worst;
  std::size_t first = 0;
  for (const Model::ParameterInfo& tensor : model.parameters()) {
    const std::size_t place = first;
    first += tensor.size;
    if (!tensor.learned || tensor.size == 0) continue;
    ++worst.tensors;
    const std::vector<double> sign = signs({seed, core::Purpose::check, 200}, worst.tensors, tensor.size);
    const double product =
        std::inner_product(sign.begin(), sign.end(), gradient.begin() + static_cast<std::ptrdiff_t>(place), 0.0);
    double best = infinity;
    for (const double step : steps) {
      const double difference = (total(step, place, sign) - total(-step, place, sign)) / (2 * step);
      lower_to(best, std::abs(difference - product) / (1 + std::abs(product)));
      if (best < good_enough) break;
    }
    std::fill_n(move.begin() + static_cast<std::ptrdiff_t>(place), tensor.size, 0.0);
    if (best > worst.value || worst.where.empty()) worst.where = tensor.name;
    raise_to(worst.value, best);
  }
  return worst;
}

}  // namespace flowfit::flow
