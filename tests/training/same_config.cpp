// What may change between a run and its resumption, and how the place of anything else is told.
#include "training/same_config.h"

#include <doctest/doctest.h>

#include <string>

#include "core/error.h"

using namespace flowfit;

namespace {

std::string refusal(const std::string& mine, const std::string& theirs) {
  try {
    training::refuse_other_config(mine, theirs, "run/last.safetensors");
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("same_config: the number of steps and the order of keys may change") {
  CHECK(refusal(R"({"train": {"steps": 9}, "flow": []})", R"({"flow": [], "train": {"steps": 4}})").empty());
  CHECK(refusal(R"({"train": {"steps": 9, "ema": null}})", R"({"train": {"ema": null, "steps": 9}})").empty());
}

TEST_CASE("same_config: the first difference by its place, with both values") {
  const auto told = [](const std::string& mine, const std::string& theirs, const std::string& place, const std::string& was,
                       const std::string& got) {
    CHECK(refusal(mine, theirs)
              .starts_with(place + ": the run in run/last.safetensors was made with " + was + ", got " + got + "; "));
  };
  told(R"({"train": {"steps": 1, "seed": 2}})", R"({"train": {"steps": 1, "seed": 3}})", "/train/seed", "\"3\"", "\"2\"");
  told(R"({"train": {"steps": 1}, "flow": [{"bins": 8}, 5]})", R"({"train": {"steps": 1}, "flow": [{"bins": 4}, 5]})",
       "/flow/0/bins", "\"4\"", "\"8\"");
  told(R"({"train": {"steps": 1}, "flow": [1]})", R"({"train": {"steps": 1}, "flow": [1, 2]})", "/flow", "\"[1,2]\"", "\"[1]\"");
  // A key that only one of them has.
  told(R"({"train": {"steps": 1, "ema": 0.9}})", R"({"train": {"steps": 1}})", "/train/ema", "nothing", "\"0.9\"");
  told(R"({"train": {"steps": 1}})", R"({"train": {"steps": 1, "ema": 0.9}})", "/train/ema", "\"0.9\"", "nothing");
  // No object at all.
  CHECK(refusal(R"({"train": {"steps": 1}})", "3").starts_with("/: the run in run/last.safetensors was made with "));
}
