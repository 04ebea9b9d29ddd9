// Presets: each one expands, builds as its plain layers do, and refuses what it does not have where it was written.
#include "flow/presets.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "core/error.h"
#include "flow/expand.h"
#include "training/prepare.h"

using namespace flowfit;
using config::Json;

namespace {

Json config_of(const Json& layers, int columns, int context) {
  Json config{{"data", {{"columns", Json::array()}, {"context", Json::array()}}}, {"flow", layers}};
  for (int d = 0; d < columns; ++d) config["data"]["columns"].push_back("x" + std::to_string(d));
  for (int c = 0; c < context; ++c) config["data"]["context"].push_back("u" + std::to_string(c));
  return config;
}

std::vector<float> weights(const Json& config) {
  const training::Plan plan = training::read_plan(config.dump(), "test", {});
  const auto model = training::fresh_model<float>(plan);
  return {model->weights().begin(), model->weights().end()};
}

std::string refused(const Json& layers, int columns = 2, int context = 0) {
  return test::thrown<core::ConfigError>([&] { (void)weights(config_of(layers, columns, context)); });
}

Json types(const Json& layers) {
  Json all = Json::array();
  const config::Document document = flow::expand(config_of(layers, 2, 0));
  for (const Json& layer : document.resolved()["flow"]) all.push_back(layer["type"]);
  return all;
}

}  // namespace

TEST_CASE("presets: each one builds, conditional or not, and as its plain layers do; a coupling wants two columns or context") {
  for (const std::string& type : flow::presets()) {
    CAPTURE(type);
    const bool coupling = type == "nice" || type == "realnvp" || type == "glow_tabular" || type == "nsf_coupling";
    const Json layers = Json::array({{{"type", type}, {"transforms", 2}}});
    for (const int columns : {1, 2, 3}) {
      for (const int context : {0, 2}) {
        CAPTURE(columns);
        CAPTURE(context);
        const Json config = config_of(layers, columns, context);
        if (coupling && columns == 1 && context == 0) {
          CHECK(refused(layers, columns).find("/flow/0") == 0);
          continue;
        }
        const training::Plan plan = training::read_plan(config.dump(), "test", {});
        const Json& resolved = plan.document.resolved();
        CHECK(resolved["flow"].size() >= 2);
        CHECK(flow::expand(resolved).resolved() == resolved);
        CHECK(weights(resolved) == weights(config));
      }
    }
  }
}

TEST_CASE("presets: options reach every step, and stand beside plain layers, in a repeat and in factors") {
  const Json out = flow::expand(Json::parse(R"({"flow": [{"type": "act_norm"}, {"type": "repeat", "times": 2, "layers": [
      {"type": "nsf", "transforms": 2, "hidden": [8], "activation": "tanh", "bins": 4}]}]})"))
                       .resolved()["flow"];
  REQUIRE(out.size() == 5);
  for (std::size_t i = 1; i < 5; ++i) {
    CHECK(out[i]["type"] == "autoregressive");
    CHECK(out[i]["univariate"]["bins"] == 4);
    CHECK(out[i]["net"]["hidden"] == Json{8});
    CHECK(out[i]["net"]["activation"] == "tanh");
    CHECK(out[i]["order"] == (i % 2 == 1 ? "given" : "reverse"));
  }
  const Json factors =
      flow::expand(Json::parse(R"({"factors": [{"columns": ["x"], "flow": [{"type": "gf", "transforms": 3}]}]})")).resolved();
  CHECK(factors["factors"][0]["flow"].size() == 6);
  CHECK(types(Json::parse(R"([{"type": "realnvp", "transforms": 2}])")) == Json{"coupling", "permutation", "coupling"});
  const Json nice =
      flow::expand(Json::parse(R"({"flow": [{"type": "nice", "transforms": 1, "hidden": [8]}]})")).resolved()["flow"];
  CHECK(nice[1]["net"] == Json{{"hidden", {8}}, {"activation", "relu"}, {"start", "random"}});
  CHECK(types(Json::parse(R"([{"type": "nsf_coupling", "transforms": 1}])")) == Json{"lu_linear", "coupling", "lu_linear"});
  CHECK(types(Json::parse(R"([{"type": "glow_tabular", "transforms": 1}])")) == Json{"coupling", "lu_linear", "act_norm"});
}

TEST_CASE("presets: messages speak of the preset as written") {
  CHECK(refused(Json::parse(R"([{"type": "nsf", "bins": 1}])")) == "/flow/0/bins: must be in [2, 256], got 1");
  CHECK(
      refused(Json::parse(R"([{"type": "act_norm"}, {"type": "maf", "hidden": [8, 0]}])")).find("/flow/1/hidden/1: must be in") ==
      0);
  CHECK(refused(Json::parse(R"([{"type": "maf", "activation": "rellu"}])")).find("did you mean \"relu\"?") != std::string::npos);
  CHECK(refused(Json::parse(R"([{"type": "maf", "transforms": 0}])")) == "/flow/0/transforms: must be in [1, 1000], got 0");
  CHECK(refused(Json::parse(R"([{"type": "nsf", "bin": 8}])")) == "/flow/0/bin: unknown key; did you mean \"bins\"?");
  CHECK(refused(Json::parse(R"([{"type": "ffjord", "context": true}])")).find("/flow/0/context: there is no context") == 0);
}

TEST_CASE("presets: an unknown layer is told with presets and repeat in mind") {
  CHECK(refused(Json::parse(R"([{"type": "realnpv"}])")).find("did you mean \"realnvp\"?") != std::string::npos);
  CHECK(refused(Json::parse(R"([{"type": "repeet"}])")).find("did you mean \"repeat\"?") != std::string::npos);
  CHECK(refused(Json::parse(R"([{"type": "plannar"}])")).find("did you mean \"planar\"?") != std::string::npos);
}
