// `--set a.b.c=value`: paths, values, refusals.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "config/node.h"
#include "core/error.h"

using namespace flowfit;
using config::Json;

namespace {

std::string after(std::string_view assignment) {
  Json json = config::parse_json(R"({"train": {"steps": 5}, "flow": [{"bins": 8}], "none": null})", "c.json");
  const std::string before = config::print_json(json);
  try {
    config::assign(json, assignment);
  } catch (const core::ConfigError& error) {
    CHECK(config::print_json(json) == before);
    return error.what();
  }
  return config::print_json(json);
}

}  // namespace

TEST_CASE("assign: values are JSON, or words") {
  CHECK(after("train.steps=7") == R"({"train":{"steps":7},"flow":[{"bins":8}],"none":null})");
  CHECK(after("train.optimizer.type=adam") ==
        R"({"train":{"steps":5,"optimizer":{"type":"adam"}},"flow":[{"bins":8}],"none":null})");
  CHECK(after("flow.0.bins=[1,2]") == R"({"train":{"steps":5},"flow":[{"bins":[1,2]}],"none":null})");
  CHECK(after("none.x=a=b") == R"({"train":{"steps":5},"flow":[{"bins":8}],"none":{"x":"a=b"}})");
  CHECK(after("train=null") == R"({"train":null,"flow":[{"bins":8}],"none":null})");
  CHECK(after("none=") == R"({"train":{"steps":5},"flow":[{"bins":8}],"none":""})");
  CHECK(after("none=1e400") == R"({"train":{"steps":5},"flow":[{"bins":8}],"none":"1e400"})");
}

TEST_CASE("assign: refusals name the assignment and change nothing") {
  CHECK(after("train.steps") == "--set \"train.steps\": expected KEY=VALUE, got no =; for example train.steps=2000");
  CHECK(after("=3") == "--set \"=3\": expected KEY=VALUE with a name between the dots, got \"\"");
  CHECK(after("train..x=3").starts_with("--set \"train..x=3\": expected KEY=VALUE with a name"));
  CHECK(after("train.steps.x=3") ==
        "--set \"train.steps.x=3\": expected an object at \"train.steps\", got \"5\"; set the whole of it first");
  CHECK(after("flow.1.bins=3") ==
        "--set \"flow.1.bins=3\": expected an element's number after \"flow\", got \"1\"; the list has the elements 0 to 0");
  CHECK(after("flow.-1.bins=3").starts_with("--set \"flow.-1.bins=3\": expected an element's number"));
  CHECK(after("flow=[1,").starts_with("--set \"flow=[1,\":1:4: "));
  CHECK(after("none={\"a\":1,\"a\":2}").find("each key once") != std::string::npos);
  CHECK(after("none=\xff").starts_with("--set \"none=\\xff\": expected a value in UTF-8"));
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += ".a";
  CHECK(after(deep + "=1").find("at most 64 keys") != std::string::npos);
}
