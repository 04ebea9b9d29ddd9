// `repeat` written out: layers in order, names of places as written, faults.
#include "flow/expand.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "core/error.h"

using namespace flowfit;
using config::Json;

namespace {

Json layers(const char* text) { return flow::expand(Json::parse(text)).resolved(); }
std::string refused(const char* text) {
  return test::thrown<core::ConfigError>([&] { (void)flow::expand(Json::parse(text)); });
}

}  // namespace

TEST_CASE("expand: a repeat becomes its layers, n times, nested ones too") {
  const Json out = layers(R"({"flow": [{"type": "a"}, {"type": "repeat", "times": 2, "layers": [{"type": "b"},
      {"type": "repeat", "times": 2, "layers": [{"type": "c"}]}]}, {"type": "d"}], "base": {"type": "normal"}})");
  std::string order;
  for (const Json& layer : out["flow"]) order += layer["type"].get<std::string>();
  CHECK(order == "abccbccd");
  CHECK(out["base"]["type"] == "normal");
}

TEST_CASE("expand: factors have their own repeats") {
  const Json out =
      layers(R"({"factors": [{"columns": ["x"], "flow": [{"type": "repeat", "times": 3, "layers": [{"type": "a"}]}]}]})");
  CHECK(out["factors"][0]["flow"].size() == 3);
  CHECK(out["factors"][0]["columns"][0] == "x");
}

TEST_CASE("expand: messages speak of the text as written") {
  const config::Document document =
      flow::expand(Json::parse(R"({"flow": [{"type": "repeat", "times": 2, "layers": [{"type": "a"}, {"type": "b"}]}]})"));
  const std::vector<config::Node> nodes = document.root().member("flow").elements();
  REQUIRE(nodes.size() == 4);
  nodes[3].error("wrong");
  CHECK(test::thrown<core::ConfigError>([&] { document.check(); }).find("/flow/0/layers/1: ") == 0);
}

TEST_CASE("expand: what is no layer list is left for the reader") {
  CHECK(layers("{}") == Json::object());
  CHECK(layers(R"({"flow": 3})")["flow"] == 3);
  CHECK(layers("[]").is_array());
}

TEST_CASE("expand: a malformed repeat is refused where it stands") {
  CHECK(refused(R"({"flow": [{"type": "repeat", "layers": []}]})").find("/flow/0/times") == 0);
  CHECK(refused(R"({"flow": [{"type": "repeat", "times": 0, "layers": []}]})").find("/flow/0/times: must be in [1, 1000]") == 0);
  CHECK(refused(R"({"flow": [{"type": "repeat", "times": 2, "layers": 3}]})").find("/flow/0/layers") == 0);
  CHECK(refused(R"({"flow": [{"type": "repeat", "times": 2, "layer": []}]})").find("layers") != std::string::npos);
  CHECK(
      refused(
          R"({"flow": [{"type": "repeat", "times": 1000, "layers": [{"type": "repeat", "times": 1000, "layers": [{"type": "a"}]}]}]})")
          .find("more than 10000 layers") != std::string::npos);
}
