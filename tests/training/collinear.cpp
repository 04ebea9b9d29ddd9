// Columns that follow from others: each is named with those it follows from, and nothing else is.
#include "training/collinear.h"

#include <doctest/doctest.h>

#include "core/random.h"

using namespace flowfit;

namespace {

/// n rows of d independent normal columns.
data::Columns independent(std::size_t rows, std::size_t count) {
  data::Columns columns(count, std::vector<double>(rows));
  const core::RandomKey key{3, core::Purpose::sample};
  std::vector<double> draws(count);
  for (std::size_t i = 0; i < rows; ++i) {
    key.normals(i, draws);
    for (std::size_t d = 0; d < count; ++d) columns[d][i] = draws[d];
  }
  return columns;
}

using Texts = std::vector<std::string>;
const Texts names{"a", "b", "c", "d"};

}  // namespace

TEST_CASE("collinear: sums, multiples and shifts are found, whatever their units") {
  data::Columns columns = independent(300, 4);
  CHECK(training::collinear(columns, names) == Texts{});
  for (std::size_t i = 0; i < 300; ++i) columns[2][i] = 1e9 * (columns[0][i] - 3 * columns[1][i]) + 5e9;
  CHECK(training::collinear(columns, names) ==
        Texts{R"(column "c" is a linear function of "a", "b"; the density is unbounded: leave one out)"});
  for (std::size_t i = 0; i < 300; ++i) columns[3][i] = 1e-200 * columns[1][i];
  CHECK(training::collinear(columns, names).size() == 2);
  CHECK(training::collinear(columns, names)[1].starts_with(R"(column "d" is a linear function of "b";)"));
}

TEST_CASE("collinear: nearly is not, and neither are constants, doubled columns and tables of few rows") {
  data::Columns columns = independent(300, 3);
  for (std::size_t i = 0; i < 300; ++i) columns[2][i] = columns[0][i] + columns[1][i] + 1e-3 * columns[2][i];
  CHECK(training::collinear(columns, names) == Texts{});
  columns[1].assign(300, 7.0);
  columns[2] = columns[0];  // remarks() has its own line for it
  CHECK(training::collinear(columns, names) == Texts{});
  CHECK(training::collinear(independent(3, 4), names) == Texts{});
  CHECK(training::collinear(independent(30, 1), names) == Texts{});
}
