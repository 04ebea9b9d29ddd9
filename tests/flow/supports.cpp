// Stacks of transforms whose supports chain or do not: refused with the layer's path, or scoring without NaN.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "core/error.h"
#include "flow/flow.h"
#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using config::Json;

namespace {

constexpr int features = 2;

/// A layer of each kind, both ways: what every entry without context says of itself, for two columns.
const std::vector<Json>& layers() {
  static const std::vector<Json> all = [] {
    std::map<std::string, Json> made;  // one for each schemes' univariate, each option of a fixed map
    for (const Case& one : cases()) {
      if (one.context > 0) continue;
      const Case wanted{one.type, one.config, features, 0};
      if (Subject<double>(wanted).ok()) {
        const Json json = Json::parse(one.config);
        const std::string univariate = one.scheme ? json["univariate"]["type"].get<std::string>() : json.dump();
        made.try_emplace(one.type + univariate + (one.inverted ? "<" : ">"), json);
      }
    }
    std::vector<Json> list;
    for (const auto& [key, json] : made) list.push_back(json);
    return list;
  }();
  return all;
}

template <class T>
class Stack {
 public:
  Stack(const Json& flow, const Json& base) : layers_(Json{{"flow", flow}}), base_(base) {
    flow_ = std::make_unique<flow::Flow<T>>(layers_.root().member("flow"), base_.root(), "", layout_, features, 0, 3);
    if (!layers_.ok()) return;
    const std::vector<double> start = layout_.initial(5);
    parameters_.assign(start.begin(), start.end());
    perturb(layout_, parameters_, 0.4);
  }
  std::string refusal() const {
    try {
      layers_.check();
    } catch (const core::ConfigError& error) {
      return error.what();
    }
    return "";
  }
  Matrix<T> sample() const {
    nn::Pass<T> pass{tape_, parameters_.data()};
    std::vector<std::uint64_t> ids(block);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
    pass.rows = ids.data();
    return flow_->sample(pass, block, {}, {1, core::Purpose::sample}).val();
  }
  Matrix<T> log_prob(const Matrix<T>& x) const {
    nn::Pass<T> pass{tape_, parameters_.data()};
    return flow_->log_prob(pass, input(tape_, x), {}).val();
  }

 private:
  config::Document layers_, base_;
  nn::ParameterLayout layout_;
  std::unique_ptr<flow::Flow<T>> flow_;
  std::vector<T> parameters_;
  mutable Tape<T> tape_;
};

/// Whether all of an interval's inner numbers go through a layer with a log_det above −inf.
bool takes(const Json& layer, const Support& interval) {
  const Subject<double> subject({"", layer.dump(), features, 0});
  Matrix<double> x(block, features);
  for (Index i = 0; i < block; ++i) {
    const double v = std::pow(-1.0, i) * std::ldexp(1.0, static_cast<int>(i / 2) - 42);  // up to 2⁵
    x.row(i).setConstant(
        std::clamp(into(interval, v), std::nextafter(interval.low, interval.high), std::nextafter(interval.high, interval.low)));
  }
  return subject.run(false, x, {}).log_det.array().isFinite().all();
}

std::uint32_t drawn(std::uint64_t row, std::uint32_t below) {
  std::vector<double> u(1);
  core::RandomKey{17, core::Purpose::check, 9}.uniforms(row, u);
  return static_cast<std::uint32_t>(u[0] * below);
}

Json base_of(std::uint32_t number) {
  static const char* const bases[] = {R"({"type": "normal"})", R"({"type": "uniform", "low": 0.25, "high": 0.75})",
                                      R"({"type": "uniform", "low": 1, "high": 3})",
                                      R"({"type": "uniform", "low": -2, "high": 0.5})"};
  return Json::parse(bases[number]);
}

// Random rows of all sizes, and special ones.
template <class T>
Matrix<T> any_rows(std::uint32_t epoch) {
  Matrix<T> x = normals<T>(block, features, epoch);
  const T special[] = {
      0, 1, -1, T(0.5), T(1e6), T(-1e6), std::numeric_limits<T>::min(), T(1) - std::numeric_limits<T>::epsilon()};
  for (Index i = 0; i < block; ++i) {
    if (i % 3 == 1) x.row(i) *= std::pow(T(10), static_cast<T>(i % 13 - 6));
    if (i % 3 == 2) x(i, i % features) = special[i / 3 % 8];
  }
  return x;
}

template <class T>
void score_chains() {
  if (layers().empty()) return;  // filtered
  int accepted = 0, refused = 0;
  for (std::uint32_t round = 0; round < 1500; ++round) {
    const std::uint64_t row = 8 * static_cast<std::uint64_t>(round);
    Json flow = Json::array();
    const std::uint32_t length = 2 + drawn(row, 2), count = static_cast<std::uint32_t>(layers().size());
    for (std::uint32_t k = 0; k < length; ++k) flow.push_back(layers()[drawn(row + 1 + k, count)]);
    const Stack<T> stack(flow, base_of(drawn(row + 5, 4)));
    CAPTURE(flow.dump());
    if (!stack.refusal().empty()) {
      ++refused;
      CHECK(stack.refusal().starts_with("/flow/"));
      continue;
    }
    ++accepted;
    const Matrix<T> x = any_rows<T>(round), scores = stack.log_prob(x), samples = stack.sample();
    CHECK(!scores.array().isNaN().any());
    CHECK(!(scores.array() == std::numeric_limits<T>::infinity()).any());
    CHECK(samples.allFinite());
    CHECK(!stack.log_prob(samples).array().isNaN().any());
  }
  if (filtered()) return;
  CHECK(accepted > 200);
  CHECK(refused > 200);
}

}  // namespace

TEST_CASE("supports: of every pair of layers, those are refused whose first gives what the second does not take") {
  int accepted = 0, refused = 0;
  for (const Json& first : layers()) {
    for (const Json& second : layers()) {
      for (std::uint32_t base = 0; base < 4; ++base) {
        const Support from = base == 0 ? Support{} : Support{base_of(base)["low"], base_of(base)["high"]};
        const Subject<double> one({"", first.dump(), features, 0});
        if (!takes(first, from)) continue;  // refused at /flow/0: the next test meets it
        CAPTURE(first.dump());
        CAPTURE(second.dump());
        CAPTURE(base);
        const std::string refusal = Stack<double>(Json::array({first, second}), base_of(base)).refusal();
        if (takes(second, one.transform().image(from))) {
          CHECK(refusal == "");
          ++accepted;
        } else {
          CHECK(refusal.starts_with("/flow/1: expected numbers in ("));
          CHECK(refusal.find("from the layers before it, which give (") != std::string::npos);
          ++refused;
        }
      }
    }
  }
  if (filtered()) return;
  CHECK(accepted > 1000);
  CHECK(refused > 500);
}

TEST_CASE("supports: a layer that does not take what the base gives is refused at its place") {
  for (const Json& layer : layers()) {
    CAPTURE(layer.dump());
    const std::string refusal = Stack<double>(Json::array({layer}), base_of(0)).refusal();
    CHECK((takes(layer, {}) ? refusal == "" : refusal.starts_with("/flow/0: ")));
  }
}

TEST_CASE("supports: an image holds what comes out, and nothing is lost at the ends") {
  for (const Json& layer : layers()) {
    for (const Support& from : {Support{0.25, 0.75}, Support{1, 3}, Support{-2, 0.5}}) {
      if (!takes(layer, from)) continue;
      CAPTURE(layer.dump());
      CAPTURE(from.low);
      const Subject<double> subject({"", layer.dump(), features, 0});
      const Support image = subject.transform().image(from);
      Matrix<double> x(block, features);  // the corners of the box, and its middle
      for (Index i = 0; i < block; ++i)
        for (Index j = 0; j < features; ++j)
          x(i, j) = i < 4 ? (i >> j & 1 ? std::nextafter(from.high, from.low) : std::nextafter(from.low, from.high))
                          : into(from, 0.1 * static_cast<double>(i - block / 2));
      const Matrix<double> y = subject.run(false, x, {}).value;
      CHECK(y.minCoeff() >= image.low - 1e-12);
      CHECK(y.maxCoeff() <= image.high + 1e-12);
      if (subject.layout().size() > 0) continue;
      CHECK(y.minCoeff() <= image.low + 1e-7);
      CHECK(y.maxCoeff() >= image.high - 1e-7);
    }
  }
}

TEST_CASE("supports: random stacks score any row, −inf outside and never NaN, in float64") { score_chains<double>(); }
TEST_CASE("supports: random stacks score any row, −inf outside and never NaN, in float32") { score_chains<float>(); }
