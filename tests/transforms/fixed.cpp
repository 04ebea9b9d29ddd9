// Fixed transforms: known values, tails where digits are easily lost, where intervals go, faults of configs.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T = double>
Subject<T> made(const std::string& config, int features = 1) {
  return Subject<T>({"", config, features, 0});
}

// One number through a map of one column.
template <class T>
std::pair<double, double> at(const Subject<T>& subject, double x, bool inverse = false) {
  const Output<T> out = subject.run(inverse, Matrix<T>::Constant(block, 1, static_cast<T>(x)), {});
  return {static_cast<double>(out.value(0)), static_cast<double>(out.log_det(0))};
}

std::string fault(const std::string& config, int features) {
  try {
    made(config, features).document().check();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

using Reference = std::function<long double(long double)>;
struct Known {
  std::string config;
  Reference value, slope;
};

const std::vector<Known>& known() {
  using std::exp, std::log, std::log1p, std::tanh, std::cosh, std::pow, std::abs, std::sqrt, std::atan;
  static const long double pi = std::acos(-1.0L), knee = std::tanh(3.0L), flat = 1 / (std::cosh(3.0L) * std::cosh(3.0L));
  static const std::vector<Known> all{
      {R"({"type": "exp"})", [](long double x) { return exp(x); }, [](long double x) { return exp(x); }},
      {R"({"type": "sigmoid"})", [](long double x) { return 1 / (1 + exp(-x)); },
       [](long double x) { return exp(-x) / ((1 + exp(-x)) * (1 + exp(-x))); }},
      {R"({"type": "tanh"})", [](long double x) { return tanh(x); }, [](long double x) { return 1 / (cosh(x) * cosh(x)); }},
      {R"({"type": "leaky_tanh"})",
       [](long double x) { return abs(x) < 3 ? tanh(x) : std::copysign(knee + flat * (abs(x) - 3), x); },
       [](long double x) { return abs(x) < 3 ? 1 / (cosh(x) * cosh(x)) : flat; }},
      {R"({"type": "softplus"})", [](long double x) { return log1p(exp(x)); }, [](long double x) { return 1 / (1 + exp(-x)); }},
      {R"({"type": "elu", "alpha": 2})", [](long double x) { return x > 0 ? x : 2 * std::expm1(x); },
       [](long double x) { return x > 0 ? 1 : 2 * exp(x); }},
      {R"({"type": "leaky_relu", "slope": 0.25})", [](long double x) { return x > 0 ? x : x / 4; },
       [](long double x) { return x > 0 ? 1 : 0.25L; }},
      {R"({"type": "softclip", "bound": 2})", [](long double x) { return x / (1 + abs(x) / 2); },
       [](long double x) { return 1 / ((1 + abs(x) / 2) * (1 + abs(x) / 2)); }},
      {R"({"type": "normal_cdf"})", [](long double x) { return std::erfc(-x / sqrt(2.0L)) / 2; },
       [](long double x) { return exp(-x * x / 2) / sqrt(2 * pi); }},
      {R"({"type": "cauchy_cdf"})", [](long double x) { return 0.5L + atan(x) / pi; },
       [](long double x) { return 1 / (pi * (1 + x * x)); }}};
  return all;
}

// Both ways at many places, against long double: values, and log_dets in the tails too.
template <class T>
void check_known(double tolerance) {
  for (const Known& one : known()) {
    const Subject<T> subject = made<T>(one.config);
    for (const double x : {-25.0, -9.0, -3.5, -1.0, -1e-3, 1e-3, 0.5, 2.5, 6.0, 25.0}) {
      CAPTURE(one.config);
      CAPTURE(x);
      const auto v = static_cast<long double>(static_cast<T>(x));
      const double value = static_cast<double>(one.value(v)), log_slope = static_cast<double>(std::log(one.slope(v)));
      const auto [y, log_det] = at(subject, x);
      // A rounding of x too may lie in it; and a float has no numbers below its least.
      CHECK(std::abs(y - value) <=
            tolerance * (std::abs(value) + std::abs(x) * std::exp(log_slope)) + std::numeric_limits<T>::denorm_min());
      CHECK(std::abs(log_det - log_slope) <= tolerance * (1 + std::abs(log_slope)));
      // Back from the value that the type holds, whose slope is that of where it comes from.
      const auto [back, log_det_back] = at(subject, y, true);
      const double rounding = std::numeric_limits<T>::epsilon() * std::abs(y) / std::exp(log_slope);
      if (rounding > 0.01) continue;  // the type has too few numbers there
      CHECK(std::abs(back - x) <= tolerance * (1 + std::abs(x)) + rounding);
      CHECK(std::abs(log_det_back + log_slope) <= 4 * (tolerance * (1 + std::abs(log_slope)) + rounding * (1 + std::abs(x))));
    }
  }
}

}  // namespace

TEST_CASE("fixed: values and log_dets both ways, in float64") { check_known<double>(2e-14); }
TEST_CASE("fixed: values and log_dets both ways, in float32") { check_known<float>(2e-6); }

TEST_CASE("fixed: what saturates stays strictly inside, and its log_det is that of where it was") {
  for (const char* type : {"sigmoid", "tanh", "normal_cdf", "cauchy_cdf", "softclip", "softplus", "elu", "exp"}) {
    CAPTURE(type);
    const std::string config = std::string(R"({"type": ")") + type + "\"}";
    const auto narrow = made<float>(config);
    const auto wide = made<double>(config);
    const Support image = wide.transform().image({});
    for (const double x : {-1e6, -40.0, 40.0, 1e6}) {
      const auto [y, log_det] = at(narrow, x);
      CHECK(y > image.low);
      CHECK(y < image.high);
      CHECK(std::isfinite(y));
      CHECK(log_det == doctest::Approx(at(wide, x).second).epsilon(1e-6));
      CHECK(std::isfinite(at(narrow, y, true).second));
    }
  }
  CHECK(at(made<float>(R"({"type": "sigmoid"})"), 1e6) == std::pair<double, double>(std::nextafter(1.0f, 0.0f), -1e6));
}

TEST_CASE("fixed: logit and the normal quantile near 0 and 1") {
  const auto logit = made(R"({"type": "logit"})");
  CHECK(at(logit, 1e-300).first == doctest::Approx(-300 * std::log(10)).epsilon(1e-14));
  CHECK(at(logit, 1e-300).second == doctest::Approx(300 * std::log(10)).epsilon(1e-14));
  CHECK(at(logit, 1 - std::ldexp(1, -53)).first == doctest::Approx(53 * std::log(2)).epsilon(1e-14));
  CHECK(at(logit, 0.5).first == 0);
  // As Python's statistics.NormalDist().inv_cdf has them.
  const auto cdf = made(R"({"type": "normal_cdf"})");
  for (const auto& [p, z] :
       {std::pair{0.975, 1.959963984540054}, std::pair{0.5, 0.0}, std::pair{0.25, -0.6744897501960817},
        std::pair{0.02425, -1.9729610513118845}, std::pair{1e-10, -6.361340902404056}, std::pair{1e-300, -37.0470962993612}})
    CHECK(std::abs(at(cdf, p, true).first - z) <= 1e-12);
  for (const double p : {1e-307, 1e-100, 1e-20, 1e-5, 0.3, 0.7, 1 - 1e-5}) {
    const double z = at(cdf, p, true).first;
    CHECK(0.5 * std::erfc(-z / std::sqrt(2.0)) == doctest::Approx(p).epsilon(1e-11));
    if (p > 1e-6) CHECK(at(cdf, 1 - p, true).first == doctest::Approx(-z).epsilon(1e-9));
  }
}

TEST_CASE("power: x² and 1/√x, and nothing below zero") {
  const auto square = made(R"({"type": "power"})"), root = made(R"({"type": "power", "exponent": -0.5})");
  CHECK(at(square, 3) == std::pair<double, double>(9, std::log(6.0)));
  CHECK(at(square, 9, true).first == doctest::Approx(3));
  CHECK(at(root, 4).first == doctest::Approx(0.5));
  CHECK(at(root, 4).second == doctest::Approx(std::log(0.5 * std::pow(4, -1.5))));
  CHECK(at(root, 0.5, true).first == doctest::Approx(4));
  CHECK(at(square, -3).second == -infinity);
  CHECK(at(square, -3, true).second == -infinity);
}

TEST_CASE("fixed: where an interval goes, and where it comes from") {
  const auto goes = [](const std::string& config, const Support& from, int features = 1) {
    return made(config, features).transform().image(from);
  };
  const auto is = [](const Support& s, double low, double high) {
    CHECK((s.low == low || s.low == doctest::Approx(low)));
    CHECK((s.high == high || s.high == doctest::Approx(high)));
  };
  is(goes(R"({"type": "affine_fixed", "loc": [1, -2], "scale": [0.5, 3]})", {0, 1}, 2), -2, 1.5);
  is(goes(R"({"type": "affine_fixed", "loc": 1, "scale": 4, "inverse": true})", {1, 5}), 0, 1);
  CHECK(goes(R"({"type": "affine_fixed", "loc": -1, "scale": 2})", {0, 1}).high == 1);
  is(goes(R"({"type": "exp"})", {0, 1}), 1, std::exp(1));
  is(goes(R"({"type": "log"})", {1, 2}), 0, std::log(2));
  is(goes(R"({"type": "logit", "inverse": true})", {-1, 1}), 1 / (1 + std::exp(1)), 1 / (1 + std::exp(-1)));
  is(goes(R"({"type": "tanh", "inverse": true})", {-1, 0.5}), -infinity, std::atanh(0.5));
  is(goes(R"({"type": "power", "exponent": -1})", {2, 4}), 0.25, 0.5);
  is(goes(R"({"type": "power", "exponent": -1})", {0, 4}), 0.25, infinity);
  is(goes(R"({"type": "power", "exponent": -1, "inverse": true})", {2, infinity}), 0, 0.5);
  is(goes(R"({"type": "elu", "alpha": 2})", {-infinity, 3}), -2, 3);
  is(goes(R"({"type": "permutation", "inverse": true})", {2, 3}, 3), 2, 3);
  is(goes(R"({"type": "haar"})", {0, 1}, 2), -std::sqrt(0.5), std::sqrt(2));
  is(goes(R"({"type": "lower_cholesky_affine", "loc": [5, 1], "scale_tril": [[1, 0], [-1, 2]]})", {0, infinity}, 2), -infinity,
     infinity);
  is(goes(R"({"type": "lower_cholesky_affine", "loc": [5, 1], "scale_tril": [[1, 0], [1, 2]]})", {0, infinity}, 2), 1, infinity);
  is(goes(R"({"type": "lower_cholesky_affine", "loc": 1, "scale_tril": [[4]], "inverse": true})", {1, 5}), 0, 1);
  is(goes(R"({"type": "elementwise", "univariate": {"type": "affine"}})", {0, 1}), -infinity, infinity);
}

TEST_CASE("discrete_cosine: orthonormal, by the definition") {
  for (const int d : {1, 2, 5, 12}) {
    const auto subject = made(R"({"type": "discrete_cosine"})", d);
    const Matrix<double> x = subject.rows(false), y = subject.run(false, x, {}).value;
    CHECK((y.rowwise().norm() - x.rowwise().norm()).isZero(1e-13));
    for (int k = 0; k < d; ++k) {
      double sum = 0;
      for (int n = 0; n < d; ++n) sum += x(3, n) * std::cos(M_PI * (n + 0.5) * k / d);
      CHECK(y(3, k) == doctest::Approx(sum * std::sqrt((k == 0 ? 1.0 : 2.0) / d)));
    }
  }
}

TEST_CASE("haar: orthonormal for any number of columns, sums first") {
  for (const int d : {1, 2, 3, 6, 7, 16}) {
    const auto subject = made(R"({"type": "haar"})", d);
    const Matrix<double> x = subject.rows(false);
    CHECK((subject.run(false, x, {}).value.rowwise().norm() - x.rowwise().norm()).isZero(1e-13));
  }
  const auto subject = made(R"({"type": "haar"})", 5);
  Matrix<double> x(block, 5);
  x.rowwise() = Eigen::RowVectorXd{{1, 2, 3, 5, 7}};
  // (1 2)(3 5) 7: sums 3, 8 and differences −1, −2 by √½; then 11 and −5 by ½; the 7 stays.
  const double h = std::sqrt(0.5);
  const Eigen::RowVectorXd expected{{5.5, -2.5, -h, -2 * h, 7}};
  CHECK((subject.run(false, x, {}).value.row(0) - expected).isZero(1e-14));
}

TEST_CASE("lower_cholesky_affine: y = loc + L·x") {
  const auto subject =
      made(R"({"type": "lower_cholesky_affine", "loc": [1, 0, -2], "scale_tril": [[2, 0, 0], [-1, 0.5, 0], [0.3, 1, 4]]})", 3);
  const Matrix<double> x = subject.rows(false);
  const Output<double> out = subject.run(false, x, {});
  CHECK((out.value.col(0).array() - (1 + 2 * x.col(0).array())).isZero(1e-14));
  CHECK((out.value.col(2) - (0.3 * x.col(0) + x.col(1) + 4 * x.col(2)).array().operator-(2).matrix()).isZero(1e-14));
  CHECK((out.log_det.array() - std::log(4.0)).isZero(1e-14));
}

TEST_CASE("fixed: faults of a config are told") {
  const auto has = [](const std::string& text, const char* part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has(fault(R"({"type": "leaky_tanh", "bound": 0})", 1), "/bound: must be in");
  has(fault(R"({"type": "power", "exponent": 0})", 1), "/exponent: must be at least 0.01, or at most -0.01");
  has(fault(R"({"type": "elu", "alpha": -1})", 1), "/alpha");
  has(fault(R"({"type": "leaky_relu", "slope": 0})", 1), "/slope");
  has(fault(R"({"type": "softclip", "bound": 0})", 1), "/bound");
  has(fault(R"({"type": "sigmoid", "bound": 1})", 1), "bound");
  has(fault(R"({"type": "lower_cholesky_affine"})", 2), "scale_tril");
  has(fault(R"({"type": "lower_cholesky_affine", "scale_tril": 2})", 2), "/scale_tril");
  has(fault(R"({"type": "lower_cholesky_affine", "scale_tril": [[1, 0]]})", 2), "/scale_tril: expected 2 rows of 2 numbers");
  has(fault(R"({"type": "lower_cholesky_affine", "scale_tril": [[1, 0], [1]]})", 2), "/scale_tril/1: expected 2 numbers");
  has(fault(R"({"type": "lower_cholesky_affine", "scale_tril": [[1, 0.5], [1, 1]]})", 2), "/scale_tril/0/1: must be 0 above");
  has(fault(R"({"type": "lower_cholesky_affine", "scale_tril": [[1, 0], [1, 0]]})", 2), "/scale_tril/1/1: must be > 0");
  has(fault(R"({"type": "lower_cholesky_affine", "loc": [1], "scale_tril": [[1, 0], [1, 1]]})", 2), "/loc: expected one number");
}
