// Writing out `repeat` and the presets.
#include "flow/expand.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "flow/presets.h"

namespace flowfit::flow {
namespace {

using config::Json;

constexpr std::size_t most_layers = 10000;

struct Expansion {
  std::vector<std::pair<std::string, std::string>> aliases;  // place in the expanded config → place as written

  void layers(const Json& from, const std::string& from_path, Json& to, const std::string& to_path) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::string path = from_path + "/" + std::to_string(i);
      const Json& layer = from[i];
      const Json type = layer.is_object() ? layer.value("type", Json()) : Json();
      if (type == Json("repeat")) {
        const int times = check(layer, path);
        for (int t = 0; t < times; ++t) layers(layer["layers"], path + "/layers", to, to_path);
      } else if (std::ranges::any_of(presets(), [&](const std::string& preset) { return type == Json(preset); })) {
        for (PresetLayer& made : write_out(layer, path)) {
          // The longer places first: the first one that fits counts.
          const std::string place = to_path + "/" + std::to_string(to.size());
          for (const auto& [pointer, key] : made.options) aliases.emplace_back(place + pointer, path + "/" + key);
          add(std::move(made.layer), path, to, to_path);
        }
      } else {
        add(layer, path, to, to_path);
      }
    }
  }

  void add(Json layer, const std::string& path, Json& to, const std::string& to_path) {
    aliases.emplace_back(to_path + "/" + std::to_string(to.size()), path);
    to.push_back(std::move(layer));
    if (to.size() > most_layers)
      throw core::ConfigError(path + ": more than " + std::to_string(most_layers) + " layers in all; repeat less");
  }

  static int check(const Json& layer, const std::string& path) {
    config::Document document(layer);
    document.alias("", path);
    const config::Node node = document.root();
    (void)node.has("type");
    const int times = node.required("times").exists() ? node.integer("times", 1, 1, 1000) : 1;
    const config::Node inner = node.required("layers");
    // Of none, times upon times would be no layers, and no end.
    if (inner.exists() && (!inner.is_array() || layer["layers"].empty())) inner.error("expected a list of at least one layer");
    node.finish();
    document.check();
    return times;
  }

  void flow(const Json& from, const std::string& path, Json& owner) {
    if (!from.is_array()) return;
    Json to = Json::array();
    layers(from, path, to, path);
    owner["flow"] = std::move(to);
  }
};

}  // namespace

config::Document expand(const Json& config) {
  Json expanded = config;
  Expansion expansion;
  if (config.is_object()) {
    if (config.contains("flow")) expansion.flow(config["flow"], "/flow", expanded);
    if (config.contains("factors") && config["factors"].is_array()) {
      for (std::size_t i = 0; i < config["factors"].size(); ++i) {
        const Json& factor = config["factors"][i];
        if (factor.is_object() && factor.contains("flow"))
          expansion.flow(factor["flow"], "/factors/" + std::to_string(i) + "/flow", expanded["factors"][i]);
      }
    }
  }
  config::Document document(std::move(expanded));
  for (auto& [from, to] : expansion.aliases) {
    if (from != to) document.alias(std::move(from), std::move(to));
  }
  return document;
}

}  // namespace flowfit::flow
