// Every transform, both dtypes: inverse and forward undo each other, log-dets are those of the numeric Jacobian, a fresh layer is the identity.
#include <doctest/doctest.h>

#include <Eigen/LU>

#include "support/subject.h"
#include "transforms/univariate.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

template <class T>
double worst(const Matrix<T>& a, const Matrix<T>& b) {
  return static_cast<double>(((a - b).array().abs() / (T(1) + b.array().abs())).maxCoeff());
}

template <class T>
void round_trip(double least, double perturbation) {
  for (const Case& one : cases()) {
    Subject<T> subject(one);
    subject.perturb(perturbation);
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      const double tolerance = std::max(least, one.tolerance);
      const Matrix<T> x = subject.rows(inverse), context = subject.context();
      const Output<T> there = subject.run(inverse, x, context), back = subject.run(!inverse, there.value, context);
      CHECK(worst(back.value, x) <= tolerance);
      CHECK(worst<T>(-back.log_det, there.log_det) <= 10 * tolerance);
    }
  }
}

}  // namespace

TEST_CASE("properties: the registry gives cases") {
  CHECK(cases().size() >= (filtered() ? 1 : 200));
  for (const transforms::TransformEntry& entry : transforms::transforms()) {
    CAPTURE(entry.type);
    CHECK(!entry.examples.empty());
  }
}

TEST_CASE("properties: forward and inverse undo each other, in float64") { round_trip<double>(1e-9, 0.4); }
// Steep pieces lose digits, and more where one column's error goes through a network into the next: gentler parameters.
TEST_CASE("properties: forward and inverse undo each other, in float32") { round_trip<float>(1e-4, 0.15); }

TEST_CASE("properties: log_det is the numeric Jacobian's") {
  for (const Case& one : cases()) {
    Subject<double> subject(one);
    subject.perturb();
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      const Matrix<double> x = subject.rows(inverse), context = subject.context();
      const Matrix<double> log_det = subject.run(inverse, x, context).log_det;
      Matrix<double> error = Matrix<double>::Constant(block, 1, std::numeric_limits<double>::infinity());
      for (const double step : {1e-5, 1e-6, 1e-7}) {
        std::vector<Matrix<double>> slopes;  // one a column moved: d value / d x_j
        for (Index j = 0; j < x.cols(); ++j) {
          Matrix<double> above = x, below = x;
          above.col(j).array() += step;
          below.col(j).array() -= step;
          slopes.push_back((subject.run(inverse, above, context).value - subject.run(inverse, below, context).value) /
                           (2 * step));
        }
        for (Index i = 0; i < block; ++i) {
          Matrix<double> jacobian(x.cols(), x.cols());
          for (Index j = 0; j < x.cols(); ++j) jacobian.col(j) = slopes[static_cast<std::size_t>(j)].row(i).transpose();
          const double numeric = std::log(std::abs(jacobian.fullPivLu().determinant()));
          error(i) = std::min(error(i), std::abs(numeric - log_det(i)));
        }
      }
      CHECK(error.maxCoeff() <= 1e-4);
    }
  }
}

TEST_CASE("properties: a fresh layer with parameters is the identity, up to the order of columns") {
  for (const Case& one : cases()) {
    const Subject<double> subject(one);
    if (subject.layout().size() == 0) continue;
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      Matrix<double> x = subject.rows(inverse);
      const Output<double> out = subject.run(inverse, x, subject.context());
      Matrix<double> y = out.value;
      for (Index i = 0; i < block; ++i) {
        const auto sort = [&](Matrix<double>& m) {
          Eigen::VectorXd row = m.row(i);
          std::sort(row.begin(), row.end());
          m.row(i) = row;
        };
        sort(x);
        sort(y);
      }
      CHECK((x - y).cwiseAbs().maxCoeff() <= 0.05);
      CHECK(out.log_det.cwiseAbs().maxCoeff() <= 0.05 * one.features);
    }
  }
}

TEST_CASE("properties: a univariate's initial() is the identity or near it") {
  for (const transforms::UnivariateEntry& entry : transforms::univariates()) {
    for (const std::string& example : entry.examples) {
      CAPTURE(example);
      config::Document document(config::Json::parse(example));
      const auto univariate = transforms::make_univariate<double>(document.root());
      REQUIRE(document.ok());
      const std::vector<double> initial = univariate->initial();
      REQUIRE(static_cast<int>(initial.size()) == univariate->parameters());
      const Matrix<double> raw = Eigen::Map<const Matrix<double>>(initial.data(), 1, static_cast<Index>(initial.size()));
      const Matrix<double> x = Eigen::VectorXd::LinSpaced(block, -8, 8);
      Tape<double> tape;
      nn::Pass<double> pass{tape};
      for (const bool inverse : {false, true}) {
        const Var<double> in = input(tape, x), from = input(tape, raw);
        const Mapped<double> m = inverse ? univariate->inverse(pass, in, from) : univariate->forward(pass, in, from);
        CHECK((m.value.val() - x).cwiseAbs().maxCoeff() <= 0.05);
        CHECK(m.log_det.val().cwiseAbs().maxCoeff() <= 0.05);
      }
    }
  }
}
