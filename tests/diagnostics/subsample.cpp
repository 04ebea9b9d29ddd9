// The rows that are kept of a stream: all of a short one, each as likely as any other of a long one, the same every time.
#include "diagnostics/subsample.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace flowfit;
using diagnostics::Subsample;

TEST_CASE("subsample: a short stream is kept whole, in order") {
  Subsample places(5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(places.next() == i);
  CHECK(places.seen() == 5);
}

TEST_CASE("subsample: early and late rows of a long stream are kept alike") {
  constexpr std::size_t most = 1000, count = 20000;
  const auto kept = [&] {
    Subsample places(most);
    std::vector<std::size_t> rows(most);
    for (std::size_t i = 0; i < count; ++i)
      if (const std::size_t place = places.next(); place != Subsample::none) rows[place] = i;
    return rows;
  };
  const std::vector<std::size_t> rows = kept();
  CHECK(rows == kept());
  for (std::size_t part = 0; part < 4; ++part) {
    const auto in_part = std::ranges::count_if(rows, [&](std::size_t row) { return row / (count / 4) == part; });
    CHECK(in_part > 180);  // 250 ± 14
    CHECK(in_part < 320);
  }
}

TEST_CASE("subsample: rows go to their places") {
  data::Columns into;
  const data::Columns from{{1, 2, 3}, {10, 20, 30}};
  diagnostics::put_row(into, 0, from, 1);
  diagnostics::put_row(into, 1, from, 0);
  diagnostics::put_row(into, 0, from, 2);
  CHECK(into == data::Columns{{3, 1}, {30, 10}});
}

TEST_CASE("subsample: some of a number of places") {
  CHECK(diagnostics::some_of(3, 10) == std::vector<std::size_t>{0, 1, 2});
  const std::vector<std::size_t> some = diagnostics::some_of(1000, 100);
  CHECK(some.size() == 100);
  CHECK(std::ranges::is_sorted(some));
  CHECK(std::ranges::adjacent_find(some) == some.end());
  CHECK(some.front() < 100);
  CHECK(some.back() > 900);
  CHECK(diagnostics::some_of(1000, 100) == some);
}
