// Starts from data: moments, factors, mixtures.
#include "distributions/fit.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using namespace flowfit::distributions;

TEST_CASE("fit: moments are means and covariances, with weights too") {
  const Rows rows = normals<double>(50, 3, 1).array();
  const Moments m = moments(rows, {});
  const Eigen::MatrixXd centered = rows.matrix().rowwise() - rows.matrix().colwise().mean();
  CHECK((m.mean - rows.matrix().colwise().mean()).isZero(1e-14));
  CHECK((m.covariance - centered.transpose() * centered / 50).isZero(1e-14));
  // A weight of 2 is a row twice.
  Rows twice(51, 3);
  twice << rows, rows.row(7);
  Eigen::ArrayXd weights = Eigen::ArrayXd::Ones(50);
  weights(7) = 2;
  CHECK((moments(rows, weights).covariance - moments(twice, {}).covariance).isZero(1e-14));
  CHECK(moments(rows.topRows(0), {}).covariance.isIdentity(0));
}

TEST_CASE("fit: a factor gives the covariance back, and stays finite where there is no spread") {
  const Eigen::MatrixXd a = normals<double>(9, 4, 2), covariance = a.transpose() * a;
  const Cholesky f = cholesky(covariance);
  Eigen::MatrixXd l = Eigen::MatrixXd::Zero(4, 4);
  std::size_t entry = 0;
  for (Index i = 0; i < 4; ++i) {
    for (Index j = 0; j < i; ++j) l(i, j) = f.lower[entry++];
    l(i, i) = std::exp(f.log_diagonal[static_cast<std::size_t>(i)]);
  }
  CHECK((l * l.transpose() - covariance).isZero(1e-12));
  const Eigen::Matrix2d same = Eigen::Matrix2d::Constant(4);
  CHECK(cholesky(same).log_diagonal[1] == doctest::Approx(std::log(2e-3)));
  CHECK(cholesky(Eigen::Matrix2d::Zero()).log_diagonal[0] == doctest::Approx(std::log(1e-3)));
}

TEST_CASE("fit: clusters far apart are found, whatever the seed, with more rows than are looked at too") {
  for (const Index n : {300, 30000}) {
    Rows rows = 0.1 * normals<double>(n, 2, 3).array();
    for (Index i = 0; i < n; ++i) rows.row(i) += Eigen::Array<double, 1, 2>(i % 3 == 0 ? -5 : 5, i % 3 == 1 ? 1000 : 3000);
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      std::vector<double> first;
      for (const Component& c : fit_mixture(rows, 3, Covariance::full, {seed, core::Purpose::initialize, 1})) {
        CHECK(c.weight == doctest::Approx(1.0 / 3).epsilon(0.05));
        CHECK(c.normal.covariance(0, 0) < 0.02);
        first.push_back(c.normal.mean(0) + c.normal.mean(1));
      }
      std::ranges::sort(first);
      CHECK(first[0] == doctest::Approx(1005).epsilon(1e-3));
      CHECK(first[1] == doctest::Approx(2995).epsilon(1e-3));
      CHECK(first[2] == doctest::Approx(3005).epsilon(1e-3));
    }
  }
}

TEST_CASE("fit: more components than different rows") {
  const Rows rows = Rows::Constant(7, 2, 3.0);
  for (const Covariance kind : {Covariance::full, Covariance::diagonal, Covariance::tied}) {
    const std::vector<Component> mixture = fit_mixture(rows, 4, kind, {1, core::Purpose::initialize, 1});
    REQUIRE(mixture.size() == 4);
    double sum = 0;
    for (const Component& c : mixture) {
      CHECK(c.normal.mean.allFinite());
      CHECK(c.normal.covariance.allFinite());
      sum += c.weight;
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-4));
  }
}

TEST_CASE("fit: tied covariances are one, diagonal ones have no correlation") {
  Rows rows = normals<double>(400, 2, 5).array();
  rows.col(1) += 0.9 * rows.col(0);
  for (Index i = 0; i < 200; ++i) rows.row(i) = 3 * rows.row(i) + 20;
  const core::RandomKey key{1, core::Purpose::initialize, 1};
  const std::vector<Component> tied = fit_mixture(rows, 2, Covariance::tied, key),
                               full = fit_mixture(rows, 2, Covariance::full, key),
                               diagonal = fit_mixture(rows, 2, Covariance::diagonal, key);
  CHECK(tied[0].normal.covariance == tied[1].normal.covariance);
  const double ratio = full[0].normal.covariance(0, 0) / full[1].normal.covariance(0, 0);
  CHECK(std::max(ratio, 1 / ratio) > 5);
  CHECK(full[0].normal.covariance(0, 1) > 0.5 * full[0].normal.covariance(0, 0));
  CHECK(diagonal[0].normal.covariance(0, 1) == 0);
}
