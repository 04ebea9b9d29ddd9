// Mean, deviation and standard error of a stream.
#include "diagnostics/moments.h"

#include <doctest/doctest.h>

using flowfit::diagnostics::Moments;

TEST_CASE("moments: of a few numbers") {
  Moments m;
  for (const double v : {2.0, 4.0, 4.0, 6.0}) m.add(v);
  CHECK(m.count == 4);
  CHECK(m.mean == 4);
  CHECK(m.deviation() == doctest::Approx(1.6329931618554521));
  CHECK(m.standard_error() == doctest::Approx(0.8164965809277260));
  Moments one;
  one.add(3);
  CHECK(std::isnan(one.standard_error()));
}
