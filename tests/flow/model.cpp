// A model in data units: there and back, each row for itself, through the file, and files that do not fit.
#include "flow/model.h"

#include <doctest/doctest.h>

#include <cmath>

#include "../core/scratch.h"
#include "core/error.h"
#include "fixture.h"

using namespace flowfit;
using test::small_model;
using test::thrown;

namespace {

template <class T>
void round_trip(double tolerance) {
  const auto model = small_model<T>();
  core::ThreadPool pool(2);
  constexpr std::size_t n = 500;
  const data::Columns rows = model->sample(3, 0, n, {}, pool);
  std::vector<double> there(n), back(n);
  const data::Columns z = model->encode(rows, {}, there, pool), again = model->decode(z, {}, back, pool);
  for (std::size_t d = 0; d < rows.size(); ++d)
    for (std::size_t i = 0; i < n; ++i)
      CHECK(std::abs(again[d][i] - rows[d][i]) <= tolerance * model->schema().columns[d].scale * (1 + std::abs(z[d][i])));
  for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(there[i] + back[i]) <= 10 * tolerance);
}

}  // namespace

TEST_CASE("model: decode undoes encode, in float64") { round_trip<double>(1e-9); }
TEST_CASE("model: decode undoes encode, in float32") { round_trip<float>(1e-4); }

TEST_CASE("model: a row's score is its own, whatever stands around it and whoever works it out") {
  const auto model = small_model<float>();
  core::ThreadPool one(1), three(3);
  constexpr std::size_t n = 301;
  data::Columns rows = model->sample(3, 0, n, {}, one);
  std::vector<double> scores(n), others(n);
  model->log_prob(rows, {}, scores, one);
  model->log_prob(rows, {}, others, three);
  CHECK(scores == others);
  for (std::vector<double>& column : rows) std::ranges::reverse(column);
  model->log_prob(rows, {}, others, three);
  std::ranges::reverse(others);
  CHECK(scores == others);
  for (const std::size_t i : {std::size_t{0}, std::size_t{95}, n - 1}) {
    std::vector<double> alone(1);
    model->log_prob({{rows[0][i]}, {rows[1][i]}}, {}, alone, one);
    CHECK(alone[0] == scores[n - 1 - i]);
  }
  // A draw is its own too.
  const data::Columns part = model->sample(3, 100, 50, {}, three);
  std::ranges::reverse(rows[0]);
  CHECK(std::equal(part[0].begin(), part[0].end(), rows[0].begin() + 100));
}

TEST_CASE("model: a score is that of the flow, plus the Jacobian of the units") {
  const auto model = small_model<double>();
  core::ThreadPool pool(1);
  const data::Columns rows = model->sample(5, 0, 20, {}, pool);
  std::vector<double> scores(20), log_det(20);
  model->log_prob(rows, {}, scores, pool);
  const data::Columns z = model->encode(rows, {}, log_det, pool);
  for (std::size_t i = 0; i < 20; ++i)
    CHECK(scores[i] == doctest::Approx(log_det[i] - 0.5 * (z[0][i] * z[0][i] + z[1][i] * z[1][i]) - std::log(2 * M_PI)));
  // Far out, and beyond what a float can square: a number or −inf, never NaN.
  std::vector<double> far(3);
  small_model<float>()->log_prob({{1e6, 1e30, -1e300}, {0.0, 1e30, 1e300}}, {}, far, pool);
  for (const double score : far) CHECK(!std::isnan(score));
  CHECK(std::isfinite(far[0]));
}

TEST_CASE("model: the same scores from its file") {
  const auto model = small_model<float>();
  const auto back = flow::make_model(flow::read_archive(flow::write_archive(model->archive()), "m"), "m");
  CHECK(!back->float64());
  CHECK(back->schema().columns[1].scale == 1e-4);
  core::ThreadPool pool(1);
  const data::Columns rows = model->sample(3, 0, 50, {}, pool);
  std::vector<double> scores(50), again(50);
  model->log_prob(rows, {}, scores, pool);
  back->log_prob(rows, {}, again, pool);
  CHECK(scores == again);
}

TEST_CASE("model: files that do not fit their config are refused with the tensor's name") {
  const flow::Archive good = small_model<float>()->archive();
  const auto refusal = [&](const auto& damage) {
    flow::Archive archive = good;
    damage(archive);
    return thrown<core::ModelError>([&] { flow::make_model(archive, "m"); });
  };
  CHECK(refusal([](flow::Archive&) {}) == "nothing thrown");
  CHECK(
      refusal([](flow::Archive& a) { a.tensors.erase(a.tensors.begin()); }).starts_with("m: no tensor \"flow.0.net.0.weight\""));
  CHECK(refusal([](flow::Archive& a) { a.tensors[0].name = "flow.0.net.0.wait"; }).find("\"flow.0.net.0.weight\"") !=
        std::string::npos);
  CHECK(refusal([](flow::Archive& a) {
          std::swap(a.tensors[0].shape[0], a.tensors[0].shape[1]);
        }).find("its config needs shape") != std::string::npos);
  CHECK(refusal([](flow::Archive& a) { a.metadata["format_version"] = "2"; }).find("use a newer flowfit") != std::string::npos);
  CHECK(refusal([](flow::Archive& a) { a.metadata.erase("config"); }).find("no \"config\"") != std::string::npos);
  CHECK(refusal([](flow::Archive& a) { a.metadata.erase("schema"); }).find("no \"schema\"") != std::string::npos);
  CHECK(refusal([](flow::Archive& a) {
          a.metadata["config"] = R"({"data": {"columns": ["a", "b"]}, "flow": [{"type": "splines"}]})";
        }).find("/flow/0/type") != std::string::npos);
  // A weight that the mask of the autoregressive network cuts off.
  CHECK(refusal([](flow::Archive& a) {
          for (flow::Tensor& tensor : a.tensors)
            if (tensor.name == "flow.2.net.0.weight") tensor.bytes.replace(4, 4, "\0\0\x80\x3F", 4);
        }).find("the mask of an autoregressive network wants 0 here") != std::string::npos);
}
