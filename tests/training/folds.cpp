// Folds: every row is held out once, and the cut follows from the seed.
#include "training/folds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "../core/scratch.h"
#include "core/error.h"
#include "fixture.h"

using namespace flowfit;

TEST_CASE("folds: each row is held out once, in parts of nearly equal size, in the order of the table") {
  data::Dataset table{"t", {"i", "j"}, {{}, {}}};
  for (int i = 0; i < 23; ++i) {
    table.columns[0].push_back(i);
    table.columns[1].push_back(-i);
  }
  std::vector<double> seen;
  for (int k = 0; k < 5; ++k) {
    const training::Fold fold = training::fold(table, k, 5, 7);
    CHECK(fold.held.rows() + fold.train.rows() == 23);
    CHECK(std::abs(static_cast<double>(fold.held.rows()) - 23.0 / 5) < 1);
    CHECK(std::ranges::is_sorted(fold.held.columns[0]));
    CHECK(std::ranges::is_sorted(fold.train.columns[0]));
    CHECK(fold.held.columns[1][1] == -fold.held.columns[0][1]);
    for (const double i : fold.held.columns[0]) {
      CHECK(std::ranges::find(fold.train.columns[0], i) == fold.train.columns[0].end());
      seen.push_back(i);
    }
  }
  std::ranges::sort(seen);
  CHECK(seen == table.columns[0]);
  CHECK(training::fold(table, 0, 5, 7).held.columns == training::fold(table, 0, 5, 7).held.columns);
  CHECK(training::fold(table, 0, 5, 7).held.columns != training::fold(table, 0, 5, 8).held.columns);
  CHECK(test::thrown<core::DataError>([&] { (void)training::fold(table, 0, 12, 7); }).find("at least 24 rows for 12 folds") !=
        std::string::npos);
}
