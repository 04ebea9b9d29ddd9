// The check of a model passes a right one, and finds each kind of wrong one.
#include "flow/check.h"

#include <doctest/doctest.h>

#include "fixture.h"
#include "support/subject.h"

using namespace flowfit;

namespace {

/// A model with one thing wrong.
class Wrong final : public flow::Model {
 public:
  enum Fault { none, decoding, log_determinant, density };
  explicit Wrong(Fault fault)
      : Model(test::small_model<double>()->schema()), right_(test::small_model<double>()), fault_(fault) {}

  std::vector<ParameterInfo> parameters() const override { return right_->parameters(); }
  bool float64() const override { return true; }
  void log_prob(const data::Columns& x, const data::Columns& c, std::span<double> out, core::ThreadPool& pool) const override {
    right_->log_prob(x, c, out, pool);
    if (fault_ == density)
      for (double& score : out) score += 0.01;
  }
  data::Columns sample(std::uint64_t seed, std::uint64_t first, std::size_t n, const data::Columns& c,
                       core::ThreadPool& pool) const override {
    return right_->sample(seed, first, n, c, pool);
  }
  data::Columns encode(const data::Columns& x, const data::Columns& c, std::span<double> log_det,
                       core::ThreadPool& pool) const override {
    data::Columns z = right_->encode(x, c, log_det, pool);
    if (fault_ == log_determinant)
      for (double& value : log_det) value *= 1.001;
    return z;
  }
  data::Columns decode(const data::Columns& z, const data::Columns& c, std::span<double> log_det,
                       core::ThreadPool& pool) const override {
    data::Columns x = right_->decode(z, c, log_det, pool);
    if (fault_ == decoding) x[1][x[1].size() / 2] *= 1 + 1e-5;
    return x;
  }

 private:
  std::unique_ptr<flow::TypedModel<double>> right_;
  Fault fault_;
};

}  // namespace

TEST_CASE("check: a right model passes, and each fault is found by its own figure") {
  core::ThreadPool pool(2);
  for (const Wrong::Fault fault : {Wrong::none, Wrong::decoding, Wrong::log_determinant, Wrong::density}) {
    CAPTURE(fault);
    const flow::ModelCheck check = flow::check_model(Wrong(fault), pool);
    REQUIRE(check.integral);
    CHECK(check.round_trip.ok() == (fault != Wrong::decoding));
    CHECK(check.log_det.ok() == (fault != Wrong::log_determinant));
    CHECK(check.integral->off.ok() == (fault != Wrong::density));
    CHECK(check.ok() == (fault == Wrong::none));
  }
}

TEST_CASE("check: a right model with heavy tails passes") {
  for (const char* base : {R"({"type": "cauchy"})", R"({"type": "student_t", "df": 0.7})"}) {
    CAPTURE(base);
    const config::Document document(config::Json::parse(
        std::string(R"({"data": {"columns": ["a", "b"], "preprocess": "none"}, "base": )") + base +
        R"(, "flow": [{"type": "elementwise", "univariate": {"type": "spline"}}, {"type": "permutation", "order": "reverse"}]})"));
    const flow::Settings settings = flow::Settings::read(document.root(), {});
    data::Schema schema;
    for (const char* name : {"a", "b"}) schema.columns.push_back({name, 0.0, 1.0});
    flow::TypedModel<double> model(document, settings, schema);
    document.check();
    test::perturb(model.layout(), model.weights(), 0.2);
    core::ThreadPool pool(2);
    const flow::ModelCheck check = flow::check_model(model, pool);
    CHECK(check.round_trip.value <= check.round_trip.limit);
    CHECK(check.log_det.value <= check.log_det.limit);
    REQUIRE(check.integral);
    CHECK(check.integral->off.value <= check.integral->off.limit);
  }
}
