// Any text as a --set: the config changes or a ConfigError comes, twice is once, and what comes out is JSON that reads back.
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "config/node.h"
#include "core/error.h"
#include "support/fuzz.h"

using namespace flowfit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const config::Json start = config::parse_json(
      R"({"data": {"columns": ["a", "b"], "validation": 0.1}, "flow": [{"type": "coupling", "net": {"hidden": [8, 8]}}, {"type": "permutation"}],
          "train": {"steps": 10, "patience": null, "optimizer": {"learning_rate": 0.01}}})",
      "start");
  config::Json changed = start;
  const std::string_view assignment = fuzz::text(data, size);
  try {
    config::assign(changed, assignment);
  } catch (const core::ConfigError& error) {
    fuzz::must(std::string_view(error.what()).find('\n') == std::string_view::npos, "one line for an error");
    return 0;
  }
  const std::string printed = config::print_json(changed);
  config::Json twice = changed;
  config::assign(twice, assignment);
  fuzz::must(config::print_json(twice) == printed, "twice is once");
  try {
    fuzz::must(config::print_json(config::parse_json(printed, "printed")) == printed, "what is printed reads back");
  } catch (const core::ConfigError& error) {
    // A deep value at the end of a deep path is the one thing that a command line can make and a file cannot hold.
    fuzz::must(std::string_view(error.what()).find("levels of nesting") != std::string_view::npos, "what is printed reads back");
  }
  return 0;
}
