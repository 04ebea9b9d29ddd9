// Quantiles, ranges that an outlier does not stretch, bins over rounded values, and histograms that are densities.
#include "diagnostics/histogram.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/random.h"

using namespace flowfit::diagnostics;

namespace {

std::vector<double> normals(std::size_t count, std::uint64_t row = 0) {
  std::vector<double> values(count);
  flowfit::core::RandomKey{7}.normals(row, values);
  return values;
}

}  // namespace

TEST_CASE("histogram: quantiles are linear between the values") {
  const std::vector<double> values{1, 2, 4};
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 0.5) == 2);
  CHECK(quantile(values, 0.75) == 3);
  CHECK(quantile(values, 1) == 4);
  CHECK(std::isnan(quantile({}, 0.5)));
}

TEST_CASE("histogram: a central range holds what is near, and is not stretched by what is far") {
  std::vector<double> values = normals(2000);
  const Range range = central_range(values);
  CHECK(range.low < -2.5);
  CHECK(range.high > 2.5);
  CHECK(range.width() < 8);
  values.push_back(1e6);
  values.push_back(-std::numeric_limits<double>::infinity());
  values.push_back(std::nan(""));
  const Range stretched = central_range(values);
  CHECK(stretched.low == doctest::Approx(range.low).epsilon(0.05));
  CHECK(stretched.high == doctest::Approx(range.high).epsilon(0.15));

  // The outermost value where that is nearer: a bounded column keeps its bounds.
  std::vector<double> uniform(1000);
  flowfit::core::RandomKey{8}.uniforms(0, uniform);
  CHECK(central_range(uniform).low > -0.04);
  CHECK(central_range(uniform).high < 1.04);

  // A heavy tail: a tenth of the values at 1000 and more leaves the rest to be seen.
  std::vector<double> heavy = normals(1000);
  for (std::size_t i = 0; i < 50; ++i) heavy[i] = 1000.0 * static_cast<double>(i + 1);
  CHECK(central_range(heavy).high < 20);
}

TEST_CASE("histogram: a central range is never empty") {
  CHECK(central_range({}).width() == 1);
  const Range one = central_range(std::vector<double>{3, 3, 3});
  CHECK(one.low < 3);
  CHECK(one.high > 3);
  const Range large = central_range(std::vector<double>{1e12});
  CHECK(large.low < 1e12);
  CHECK(large.high > 1e12);
}

TEST_CASE("histogram: bins cover the range, in a number a person can see") {
  for (const std::size_t count : {0, 5, 100, 10000}) {
    const std::vector<double> values = normals(count);
    const Range range = central_range(values);
    const std::vector<double> edges = bin_edges(values, range);
    CHECK(edges.front() <= range.low);
    CHECK(edges.back() >= range.high);
    CHECK(edges.size() >= 20);
    CHECK(edges.size() <= 62);
  }
}

TEST_CASE("histogram: bins over rounded values hold the same number of multiples each") {
  for (const double step : {1.0, 0.1}) {
    std::vector<double> values;
    for (const double z : normals(5000)) values.push_back(std::round(40 * z) / 10 * step * 10 / 10);
    for (double& v : values) v = std::round(v / step) * step;
    const std::vector<double> edges = bin_edges(values, central_range(values));
    const double multiples = (edges[1] - edges[0]) / step, place = edges[0] / step - 0.5;
    CHECK(multiples == doctest::Approx(std::round(multiples)).epsilon(1e-9));
    CHECK(place == doctest::Approx(std::round(place)).epsilon(1e-9));
  }
  const std::vector<double> edges = bin_edges(std::vector<double>{0, 1, 1, 0}, {-0.03, 1.03});
  CHECK(edges == std::vector<double>{-1.5, -0.5, 0.5, 1.5});
}

TEST_CASE("histogram: densities integrate to the share inside") {
  const std::vector<double> values{0.5, 1.5, 1.6, 9};
  const std::vector<double> edges{0, 1, 2, 3};
  const std::vector<double> heights = densities(values, edges);
  CHECK(heights == std::vector<double>{0.25, 0.5, 0});
  CHECK(densities(std::vector<double>{0, 4}, std::vector<double>{0, 2, 4}) == std::vector<double>{0.25, 0});
}
