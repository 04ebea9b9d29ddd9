// What the property tests cannot know of single transforms: fixed numbers, orders, starts from data, faults of configs.
#include "transforms/transform.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

Subject<double> made(const std::string& config, int features, int context = 0) {
  return Subject<double>({"", config, features, context});
}

std::string fault(const std::string& config, int features, int context = 0) {
  const Subject<double> subject = made(config, features, context);
  try {
    subject.document().check();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("affine_fixed: y = loc + scale·x by column") {
  const auto subject = made(R"({"type": "affine_fixed", "loc": [1, -2], "scale": [0.5, 3]})", 2);
  const Matrix<double> x = subject.rows(false);
  const Output<double> out = subject.run(false, x, {});
  CHECK((out.value.col(0).array() - (1 + 0.5 * x.col(0).array())).isZero(1e-14));
  CHECK((out.value.col(1).array() - (-2 + 3 * x.col(1).array())).isZero(1e-14));
  CHECK((out.log_det.array() - std::log(1.5)).isZero(1e-14));
}

TEST_CASE("exp: y = eˣ, and its support") {
  const auto subject = made(R"({"type": "exp"})", 2);
  const Matrix<double> x = subject.rows(false);
  CHECK((subject.run(false, x, {}).value.array() - x.array().exp()).isZero(1e-12));
  CHECK(subject.input_support(true).low == 0);
  const auto turned = made(R"({"type": "exp", "inverse": true})", 2);
  CHECK(turned.input_support(false).low == 0);
  CHECK(std::isinf(turned.input_support(true).low));
}

TEST_CASE("permutation: column i of the output is column order[i] of the input") {
  const auto subject = made(R"({"type": "permutation", "order": [2, 0, 1]})", 3);
  const Matrix<double> x = subject.rows(false), y = subject.run(false, x, {}).value;
  CHECK(same_bits<double>(y.col(0), x.col(2)));
  CHECK(same_bits<double>(y.col(1), x.col(0)));
  CHECK(same_bits<double>(y.col(2), x.col(1)));
  // A random order is written into the resolved config, and read from there gives the same.
  const auto random = made(R"({"type": "permutation"})", 4);
  REQUIRE(random.document().resolved().at("order").is_array());
  const auto again = made(random.document().resolved().dump(), 4);
  const Matrix<double> z = random.rows(false);
  CHECK(same_bits(random.run(false, z, {}).value, again.run(false, z, {}).value));
}

TEST_CASE("coupling: columns that pass keep their bits, and the others see them") {
  auto subject = made(
      R"({"type": "coupling", "mask": [1], "univariate": {"type": "affine"}, "net": {"hidden": [4], "activation": "tanh"}})", 3);
  subject.perturb();
  for (const bool inverse : {false, true}) {
    const Matrix<double> x = subject.rows(inverse), y = subject.run(inverse, x, {}).value;
    CHECK(same_bits<double>(y.col(1), x.col(1)));
    Matrix<double> moved = x;
    moved.col(1).array() += 1;
    CHECK((subject.run(inverse, moved, {}).value.col(0) - y.col(0)).cwiseAbs().maxCoeff() > 1e-3);
    moved = x;
    moved.col(0).array() += 1;
    CHECK(same_bits<double>(subject.run(inverse, moved, {}).value.col(2), y.col(2)));
  }
}

TEST_CASE("act_norm: the data it starts from arrives standardized; a constant column keeps its scale") {
  auto subject = made(R"({"type": "act_norm"})", 3);
  Matrix<double> x = subject.rows(true);
  x.col(0) = 5 * x.col(0).array() - 7;
  x.col(2).setConstant(4);
  subject.transform().initialize(subject.parameters, std::span<const double>(x.data(), static_cast<std::size_t>(x.size())),
                                 block);
  const Matrix<double> z = subject.run(true, x, {}).value;
  CHECK(z.colwise().mean().isZero(1e-12));
  for (Index d = 0; d < 2; ++d) CHECK(z.col(d).squaredNorm() / block == doctest::Approx(1));
  CHECK(z.col(2).isZero(1e-12));
  CHECK(z.allFinite());
}

TEST_CASE("batch_norm: running statistics are those of the mixture of what was known and the batch") {
  auto subject = made(R"({"type": "batch_norm", "momentum": 0.25, "affine": false})", 2);
  const auto values = [&](int slot) {
    return Eigen::Map<Eigen::ArrayXd>(
        subject.parameters.data() + subject.layout().parameters()[static_cast<std::size_t>(slot)].offset, 2);
  };
  values(0) << 1000, -3;
  values(1) << 4, 0.5;
  Matrix<double> x = subject.rows(true);
  x.col(0).array() += 1002;
  x.bottomRows(10).setConstant(1e6);  // padding
  const Index rows = block - 10;
  std::vector<double> sums(static_cast<std::size_t>(subject.layout().sums()), 0.0);
  Tape<double> tape;
  nn::Pass<double> pass{tape, subject.parameters.data()};
  pass.sums = sums.data();
  pass.counted = rows;
  const Output<double> quiet = subject.run(true, x, {});
  CHECK(same_bits<double>(subject.apply(pass, input(tape, x), {}, true).value.val(), quiet.value));  // gathering changes nothing
  CHECK(quiet.value(0, 0) == doctest::Approx((x(0, 0) - 1000) / std::sqrt(4 + 1e-5)));
  CHECK(quiet.log_det(0) == doctest::Approx(-0.5 * std::log((4 + 1e-5) * (0.5 + 1e-5))));
  for (Index d = 0; d < 2; ++d) {
    const double mean = x.col(d).head(rows).mean(), variance = (x.col(d).head(rows).array() - mean).square().mean();
    const double old_mean = values(0)[d], old_variance = values(1)[d];
    std::vector<double> after = subject.parameters;
    subject.transform().update_statistics(after, sums, rows);
    const double new_mean = 0.75 * old_mean + 0.25 * mean;
    CHECK(after[static_cast<std::size_t>(subject.layout().parameters()[0].offset + d)] ==
          doctest::Approx(new_mean).epsilon(1e-13));
    // E x² − (E x)² of the mixture, about the old mean.
    const double second = 0.75 * old_variance + 0.25 * (variance + (mean - old_mean) * (mean - old_mean));
    CHECK(after[static_cast<std::size_t>(subject.layout().parameters()[1].offset + d)] ==
          doctest::Approx(second - (new_mean - old_mean) * (new_mean - old_mean)).epsilon(1e-12));
  }
}

TEST_CASE("batch_norm: set from the data it standardizes; a constant column and one row stay finite") {
  auto subject = made(R"({"type": "batch_norm"})", 3);
  Matrix<double> x = subject.rows(true);
  x.col(0) = 5 * x.col(0).array() - 7;
  x.col(2).setConstant(4);
  for (const Index rows : {block, Index(1)}) {
    const Matrix<double> some = x.topRows(rows);
    subject.transform().initialize(subject.parameters,
                                   std::span<const double>(some.data(), static_cast<std::size_t>(some.size())), rows);
    const Output<double> z = subject.run(true, x, {}, Mode::differentiate);
    CHECK(z.value.allFinite());
    CHECK(z.log_det.allFinite());
    CHECK(z.x_gradient.allFinite());
    if (rows == 1) continue;
    CHECK(z.value.colwise().mean().isZero(1e-12));
    for (Index d = 0; d < 2; ++d) CHECK(z.value.col(d).squaredNorm() / block == doctest::Approx(1).epsilon(1e-4));
  }
  CHECK(fault(R"({"type": "batch_norm", "inverse": true})", 2).find("cannot be turned around") != std::string::npos);
  CHECK(fault(R"({"type": "batch_norm", "context": true})", 2, 1).find("unknown key") != std::string::npos);
  CHECK(fault(R"({"type": "householder", "reflections": 3})", 2).find("must be even") != std::string::npos);
}

TEST_CASE("transform: shapes that do not fit are our bug") {
  const auto subject = made(R"({"type": "exp"})", 2);
  CHECK_THROWS_AS(subject.run(false, normals<double>(block, 3, 1), {}), std::logic_error);
  CHECK_THROWS_AS(subject.run(false, normals<double>(block, 2, 1), normals<double>(block, 1, 1)), std::logic_error);
}

TEST_CASE("transform: faults of a config are told") {
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(has(fault(R"({"type": "couplin"})", 2), "coupling"));
  CHECK(has(fault(R"({})", 2), "type"));
  CHECK(has(fault(R"({"type": "coupling", "univariate": {"type": "affine"}})", 1), "elementwise"));
  CHECK(has(fault(R"({"type": "coupling", "univariate": {"type": "affine"}, "mask": [0, 1]})", 2), "mask"));
  CHECK(has(fault(R"({"type": "coupling"})", 2), "univariate"));
  CHECK(has(fault(R"({"type": "elementwise", "univariate": {"type": "affine"}, "net": {}})", 2), "net"));
  CHECK(has(fault(R"({"type": "elementwise", "univariate": {"type": "spline", "bins": 1}})", 2), "/univariate/bins"));
  CHECK(has(fault(R"({"type": "elementwise", "univariate": {"type": "spline", "min_width": 0.2}})", 2), "min_width"));
  CHECK(has(fault(R"({"type": "permutation", "order": [0, 0]})", 2), "once"));
  CHECK(has(fault(R"({"type": "act_norm", "inverse": true})", 2), "inverse"));
  CHECK(has(fault(R"({"type": "affine_fixed", "scale": 0})", 2), "scale"));
  CHECK(has(fault(R"({"type": "affine_fixed", "loc": [1, 2, 3]})", 2), "loc"));
  CHECK(has(fault(R"({"type": "lu_linear", "order": "reverse"})", 2), "permute"));
  CHECK(fault(R"({"type": "coupling", "univariate": {"type": "affine"}})", 1, 1) == "");
}
