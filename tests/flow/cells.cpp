// Rows that stand for more than a point: cells of whole numbers and turns of a circle against sums worked out by hand.
#include "flow/cells.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

using namespace flowfit;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A standard normal in each encoded column.
void normal(const data::Columns& x, std::span<double> out) {
  std::ranges::fill(out, 0.0);
  for (const auto& column : x)
    for (std::size_t row = 0; row < out.size(); ++row)
      out[row] -= 0.5 * column[row] * column[row] + 0.5 * std::log(2 * std::numbers::pi);
}

std::vector<double> scores(const data::Schema& schema, int points, const data::Columns& columns) {
  std::vector<double> out(columns.front().size());
  flow::score_rows(schema, points, columns, out, normal);
  return out;
}

double below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

}  // namespace

TEST_CASE("cells: a whole number has the probability of its cell, and anything between them none") {
  // k is encoded as (k − 2) / 3: its cell reaches from there to the next one.
  const data::Schema schema{{{.name = "k", .loc = 2, .scale = 3, .kind = data::Kind::integer, .least = -30, .most = 30}}};
  data::Columns whole(1);
  for (int k = -20; k <= 20; ++k) whole[0].push_back(k);
  const std::vector<double> found = scores(schema, 64, whole);
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double z = (whole[0][i] - 2) / 3;
    CHECK(std::exp(found[i]) == doctest::Approx(below(z + 1.0 / 3) - below(z)).epsilon(0.02));
    sum += std::exp(found[i]);
  }
  CHECK(sum == doctest::Approx(1).epsilon(1e-3));
  const std::vector<double> between = scores(schema, 64, {{0.5, 3, -1e-9}});
  CHECK(between[0] == -infinity);
  CHECK(between[1] == found[23]);
  CHECK(between[2] == -infinity);
}

TEST_CASE("cells: beside a whole number the density of a number, and rows by themselves where there is none") {
  const data::Schema both{{{.name = "x", .loc = 1, .scale = 2},
                           {.name = "k", .loc = 0, .scale = 1, .kind = data::Kind::integer, .least = -9, .most = 9}}};
  const std::vector<double> found = scores(both, 64, {{1, 4.5}, {0, 0}});
  CHECK(std::exp(found[0]) == doctest::Approx((below(1) - below(0)) / std::sqrt(2 * std::numbers::pi) / 2).epsilon(0.01));
  CHECK(found[0] - found[1] == doctest::Approx(0.5 * 1.75 * 1.75));
  const data::Schema plain{{{.name = "x", .loc = 1, .scale = 2}}};
  CHECK(scores(plain, 64, {{5}})[0] == doctest::Approx(-2 - 0.5 * std::log(2 * std::numbers::pi) - std::log(2)));
  CHECK(scores(plain, 64, {{1e200}})[0] == -infinity);
}

TEST_CASE("cells: a place on a circle has the density of all its turns, the same at both ends") {
  const data::Schema schema{{{.name = "t", .loc = 12, .scale = 6, .kind = data::Kind::periodic, .low = 0, .high = 24, .cut = 0}}};
  data::Columns places(1);
  for (int i = 0; i < 2400; ++i) places[0].push_back(i * 0.01);
  double sum = 0;
  for (const double score : scores(schema, 1, places)) sum += std::exp(score) * 0.01;
  CHECK(sum == doctest::Approx(below(6) - below(-6)).epsilon(1e-6));
  const std::vector<double> ends = scores(schema, 1, {{0, 24 - 1e-9, 12}});
  CHECK(ends[0] == doctest::Approx(ends[1]));
  CHECK(ends[2] == doctest::Approx(std::log((1 + 2 * std::exp(-8.0)) / std::sqrt(2 * std::numbers::pi) / 6)).epsilon(1e-9));
}
