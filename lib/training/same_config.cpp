// Where two resolved configs differ.
#include "training/same_config.h"

#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/error.h"
#include "core/text.h"

namespace flowfit::training {
namespace {

using config::Json;

/// The first place where two resolved configs differ, as a JSON pointer; "" where they agree.
std::string difference(const Json& a, const Json& b, const std::string& path) {
  if (a == b) return {};
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items()) {
      if (!b.contains(key)) return path + "/" + key;
      if (std::string found = difference(value, b[key], path + "/" + key); !found.empty()) return found;
    }
    for (const auto& [key, value] : b.items())
      if (!a.contains(key)) return path + "/" + key;
    return {};  // the same keys in another order
  }
  if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (std::string found = difference(a[i], b[i], path + "/" + std::to_string(i)); !found.empty()) return found;
    return {};
  }
  return path.empty() ? "/" : path;
}

}  // namespace

void refuse_other_config(const std::string& mine, const std::string& theirs, const std::string& where) {
  Json a = config::parse_json(mine, "config"), b = config::parse_json(theirs, where);
  if (b.is_object() && b.contains("train") && b["train"].is_object()) b["train"]["steps"] = a["train"]["steps"];
  const std::string path = difference(a, b, "");
  if (path.empty()) return;
  const auto shown = [&](const Json& json) {
    const Json::json_pointer pointer(path == "/" ? "" : path);
    return json.contains(pointer) ? core::quoted(json.at(pointer).dump()) : std::string("nothing");
  };
  throw core::ConfigError(
      path + ": the run in " + where + " was made with " + shown(b) + ", got " + shown(a) +
      "; resume with the config it was begun with (only train.steps may change), or train into another folder");
}

}  // namespace flowfit::training
