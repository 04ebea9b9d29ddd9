// Each column's probabilities one after the other, at rows drawn from the model.
#include "flow/check_categories.h"

#include <algorithm>
#include <cmath>

namespace flowfit::flow {
CategoryCheck check_categories(const Model& model, core::ThreadPool& pool, std::uint64_t seed) {
  constexpr std::size_t most_rows = 20'000, least_rows = 200, work = 1 << 20, gradient_rows = 64;
  // A count is as good as normal from here on; among some thousand categories five deviations are not chance.
  constexpr double least_variance = 9, most_deviations = 5, sum_limit = 1e-8;
  std::size_t categories = 0;
  for (const data::Column& column : model.schema().columns) categories += column.categories.size();
  CategoryCheck check;
  check.rows = std::clamp(work / categories, least_rows, most_rows);
  check.sums.limit = sum_limit;
  check.draws.limit = most_deviations;
  const data::Columns context = draw_context(model.schema(), check.rows, seed),
                      codes = model.sample(seed, 0, check.rows, context, pool);
  const auto compare = [&](double drawn, double expected, double variance) {
    raise_to(check.draws.value, std::abs(drawn - expected) / std::sqrt(std::max(variance, least_variance)));
  };
  for (std::size_t j = 0; j < codes.size(); ++j) {
    std::vector<double> sums(check.rows, 0.0);
    double drawn_so_far = 0;
    data::Columns other = codes;
    for (std::size_t k = 0; k < model.schema().columns[j].categories.size(); ++k) {
      std::ranges::fill(other[j], static_cast<double>(k));
      const std::vector<double> scores = model.log_prob_by_column(other, context, check.rows, pool)[j];
      double expected = 0, variance = 0;
      for (std::size_t i = 0; i < check.rows; ++i) {
        const double p = std::exp(scores[i]);
        sums[i] += p;
        expected += p;
        variance += p * (1 - p);
      }
      const auto drawn = static_cast<double>(std::ranges::count(codes[j], static_cast<double>(k)));
      compare(drawn, expected, variance);
      // And of all categories up to it: together the rare ones are not rare.
      drawn_so_far += drawn;
      expected = variance = 0;
      for (const double p : sums) {
        expected += p;
        variance += p * (1 - p);
      }
      compare(drawn_so_far, expected, variance);
    }
    for (const double sum : sums) raise_to(check.sums.value, std::abs(sum - 1));
  }
  check.gradient_rows = gradient_rows;
  check.parameters = parameter_gradient_difference(model, Places{codes, context, {}}.first(gradient_rows), pool, seed);
  return check;
}

}  // namespace flowfit::flow
