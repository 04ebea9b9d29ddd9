// Distribution functions, tests of uniform numbers, and the bootstrap.
#include "core/statistics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/random.h"

using namespace flowfit;

TEST_CASE("statistics: moments of a stream") {
  core::Moments m;
  for (const double v : {1.0, 2.0, 4.0, 9.0}) m.add(v);
  CHECK(m.mean == doctest::Approx(4));
  CHECK(m.standard_error() == doctest::Approx(std::sqrt(38.0 / 3 / 4)));
  CHECK(m.deviation() == doctest::Approx(std::sqrt(38.0 / 3)));
  core::Moments one;
  one.add(3);
  CHECK(std::isnan(one.standard_error()));
}

TEST_CASE("statistics: distribution functions at tabulated quantiles") {
  CHECK(core::normal_cdf(1.959963984540054) == doctest::Approx(0.975).epsilon(1e-12));
  CHECK(core::normal_cdf(-3) == doctest::Approx(0.0013498980316301).epsilon(1e-10));
  // 95 % quantiles of χ² from NIST's table.
  for (const auto& [freedom, quantile] :
       {std::pair(1, 3.841459), {2, 5.991465}, {3, 7.814728}, {10, 18.307038}, {99, 123.225221}})
    CHECK(core::chi_squared_cdf(quantile, freedom) == doctest::Approx(0.95).epsilon(1e-6));
  CHECK(core::chi_squared_cdf(0, 3) == 0);
  CHECK(core::chi_squared_cdf(1e9, 3) == 1);
  CHECK(core::chi_squared_cdf(2000, 2000) == doctest::Approx(0.5042).epsilon(1e-3));
}

TEST_CASE("statistics: the Kolmogorov-Smirnov test keeps its level, and sees what is not uniform") {
  // The 5 % point of the limit distribution is 1.3581.
  CHECK(core::kolmogorov_p_value(1.3581 / 1000, 1000000) == doctest::Approx(0.05).epsilon(1e-3));
  CHECK(core::kolmogorov_p_value(0, 100) == 1);
  CHECK(core::kolmogorov_p_value(0.5, 1000) < 1e-100);
  core::Uniformity even, shifted;
  constexpr std::size_t n = 5000;
  std::vector<double> u(n);
  core::RandomKey{1, core::Purpose::check}.uniforms(0, u);
  for (const double v : u) {
    even.add(v);
    shifted.add(0.95 * v);
  }
  CHECK(even.count() == n);
  CHECK(even.p_value() > 0.01);
  CHECK(even.share_below(0.25) == doctest::Approx(0.25).epsilon(0.1));
  CHECK(shifted.distance() == doctest::Approx(0.05).epsilon(0.3));
  CHECK(shifted.p_value() < 1e-4);
  core::Uniformity ends;
  ends.add(1);
  ends.add(0);
  ends.add(std::nan(""));
  CHECK(ends.share_below(0.5) == doctest::Approx(1.0 / 3));
}

TEST_CASE("statistics: a bootstrap interval is that of the normal limit, for any pool and beyond its units") {
  core::ThreadPool one(1), three(3);
  for (const std::size_t n : {std::size_t{400}, std::size_t{25000}}) {
    std::vector<double> values(n);
    core::RandomKey{2, core::Purpose::check}.normals(0, values);
    core::Moments m;
    for (double& v : values) m.add(v += 3);
    const core::Interval interval = core::bootstrap_mean(values, 0.95, 0, one),
                         again = core::bootstrap_mean(values, 0.95, 0, three);
    CHECK(interval.low == again.low);
    CHECK(interval.high == again.high);
    CHECK(interval.low == doctest::Approx(m.mean - 1.96 * m.standard_error()).epsilon(0.1 * m.standard_error() / m.mean * 1.96));
    CHECK(interval.high == doctest::Approx(m.mean + 1.96 * m.standard_error()).epsilon(0.1 * m.standard_error() / m.mean * 1.96));
    CHECK(core::bootstrap_mean(values, 0.95, 1, one).low != interval.low);
  }
  const std::vector<double> same(7, 2.5);
  CHECK(core::bootstrap_mean(same, 0.95, 0, one).low == 2.5);
}
