// Mills' ratio and the quantile of a tail against erfc and against each other, near and far.
#include "autodiff/ops/normal_tail.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

using namespace flowfit::autodiff;

namespace {

template <class T>
std::vector<T> run_mills(const std::vector<T>& t) {
  std::vector<T> m(t.size()), scratch(3 * t.size());
  mills_ratio(t.data(), static_cast<Index>(t.size()), m.data(), scratch.data());
  return m;
}

template <class T>
void check_quantile(double tolerance) {
  std::vector<T> expected, log_p;
  for (double q = 1e-3; q < 2e4; q *= 1.3) {
    // log Φ(−q), by erfc where that is a number and by the asymptotic series beyond.
    const double log_mills =
        q < 35 ? std::log(0.5 * std::erfc(q / std::numbers::sqrt2)) + q * q / 2
               : -std::log(q) + std::log1p(-1 / (q * q) + 3 / std::pow(q, 4) - 15 / std::pow(q, 6) + 105 / std::pow(q, 8)) -
                     0.5 * std::log(2 * std::numbers::pi);
    expected.push_back(static_cast<T>(q));
    log_p.push_back(static_cast<T>(log_mills - q * q / 2));
  }
  const std::size_t n = expected.size();
  std::vector<T> q(n), mills(n), scratch(4 * n);
  upper_quantile(log_p.data(), static_cast<Index>(n), q.data(), mills.data(), scratch.data());
  for (std::size_t i = 0; i < n; ++i) {
    CAPTURE(expected[i]);
    CHECK(std::abs(q[i] - expected[i]) <= tolerance * static_cast<double>(1 + expected[i]));
  }
}

}  // namespace

TEST_CASE("normal_tail: Mills' ratio is Φ(−t)/φ(t)") {
  std::vector<double> t;
  for (double v = 0; v < 30; v += 0.1) t.push_back(v);
  const std::vector<double> m = run_mills(t);
  const std::vector<float> single = run_mills(std::vector<float>(t.begin(), t.end()));
  for (std::size_t i = 0; i < t.size(); ++i) {
    CAPTURE(t[i]);
    const double expected = std::sqrt(std::numbers::pi / 2) * std::erfc(t[i] / std::numbers::sqrt2) * std::exp(t[i] * t[i] / 2);
    CHECK(m[i] == doctest::Approx(expected).epsilon(1e-12));
    CHECK(static_cast<double>(single[i]) == doctest::Approx(expected).epsilon(1e-6));
  }
  // Far out 1/t, and no more than that in either type.
  CHECK(run_mills<double>({1e8})[0] == doctest::Approx(1e-8).epsilon(1e-12));
  CHECK(run_mills<float>({1e8f})[0] == doctest::Approx(1e-8).epsilon(1e-6));
}

TEST_CASE("normal_tail: the quantile of log Φ(−q) is q, at any depth") {
  check_quantile<double>(1e-13);
  check_quantile<float>(3e-6);
}
