// Any text as a config: a ConfigError, or JSON that reads back; and a model that is built or refused in words.
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/error.h"
#include "support/bounded.h"
#include "support/fuzz.h"
#include "training/train.h"

using namespace flowfit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Json json;
  std::string printed;
  try {
    json = config::parse_json(fuzz::text(data, size), "config.json");
    printed = config::print_json(json);
  } catch (const core::ConfigError& error) {
    fuzz::must(std::string_view(error.what()).find('\n') == std::string_view::npos, "one line for an error of JSON");
    return 0;
  }
  fuzz::must(config::print_json(config::parse_json(printed, "printed")) == printed, "what is printed reads back");
  if (!json.is_object() || !fuzz::bounded(json)) return 0;
  try {
    const training::Checked checked = training::check(printed, "config.json", nullptr, 1);
    // Every default written out: the resolved config is a config, and resolves to itself.
    const training::Checked again = training::check(checked.resolved, "resolved", nullptr, 1);
    fuzz::must(again.resolved == checked.resolved && again.parameters == checked.parameters,
               "the resolved config resolves to itself");
  } catch (const core::ConfigError&) {
  } catch (const core::DataError&) {
  }
  return 0;
}
