// Column names and their defaults.
#include "flow/settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace flowfit::flow {
namespace {

// An entry is a name, or an object with a "name".
std::vector<std::string> names(const config::Node& data, const char* key) {
  std::vector<std::string> all;
  for (const config::Node& element : data.member(key).elements()) {
    std::string name;
    if (element.is_object()) {
      name = element.required("name").as_string().value_or("");
      element.finish();
    } else {
      name = element.as_string().value_or("");
    }
    if (name.empty())
      element.error("expected a column's name");
    else if (std::ranges::find(all, name) != all.end())
      element.error("column listed twice");
    else
      all.push_back(std::move(name));
  }
  return all;
}

// The name under data.weight, or nothing.
std::string weight_column(const config::Node& data) {
  std::string name;
  if (data.has("weight") && !data.member("weight").is_null()) {
    name = data.member("weight").as_string().value_or("");
    if (data.member("weight").is_string() && name.empty()) data.member("weight").error("expected a column's name or null");
  }
  data.resolve("weight", name.empty() ? config::Json() : config::Json(name));
  return name;
}

bool drops_missing(const config::Node& data) {
  // A density of some columns alone is an integral that flows do not have in closed form.
  if (data.has("missing") && data.member("missing").is_string() && data.member("missing").as_string() == "marginalize") {
    data.error_at("missing", "\"marginalize\" would be exact for no flow in general; use \"drop\", or fill the cells");
    return false;
  }
  return data.choice("missing", "error", {"error", "drop"}) == "drop";
}

}  // namespace

Settings Settings::read(const config::Node& root, std::optional<std::span<const std::string>> header) {
  Settings s;
  const config::Node data = root.member("data");
  s.context = names(data, "context");
  s.columns = names(data, "columns");
  s.weight = weight_column(data);
  if (s.columns.empty() && header && (!data.has("columns") || data.member("columns").is_null())) {
    for (const std::string& name : *header) {
      if (std::ranges::find(s.context, name) == s.context.end() && name != s.weight) s.columns.push_back(name);
    }
  }
  for (const std::string& name : s.columns) {
    if (std::ranges::find(s.context, name) != s.context.end())
      data.error_at("context", core::quoted(name) + " is in data.columns too; it is modelled or given, not both");
  }
  for (const auto* list : {&s.columns, &s.context}) {
    if (std::ranges::find(*list, s.weight) != list->end())
      data.error_at("weight", core::quoted(s.weight) + " is modelled or given too; a weight is neither");
  }
  if (s.columns.empty()) {
    data.error_at("columns", "expected at least one column" + std::string(header ? "" : "; name them, or give the data"));
    s.columns = {"x"};
  }
  data.resolve("columns", config::Json(s.columns));
  data.resolve("context", config::Json(s.context));
  s.preprocess = data.choice("preprocess", "standardize", {"standardize", "none"});
  s.validation = data.number("validation", 0.1, {.low = 0.0, .high = 0.9});
  s.drop_missing = drops_missing(data);
  data.finish();
  const config::Node train = root.member("train");
  s.float64 = train.choice("dtype", "float32", {"float32", "float64"}) == "float64";
  s.seed = train.seed("seed", 0);
  s.ensemble = root.integer("ensemble", 1, 1, 64);
  return s;
}

}  // namespace flowfit::flow
