// Column names and their defaults.
#include "flow/settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace flowfit::flow {
namespace {

// The entries under `key`; those that are ignored go to `ignored` alone.
std::vector<data::ColumnSpec> read_specs(const config::Node& data, const char* key, data::Preprocess preprocess,
                                         std::vector<std::string>& ignored) {
  std::vector<data::ColumnSpec> all;
  for (const config::Node& element : data.member(key).elements()) {
    data::ColumnSpec spec = data::ColumnSpec::read(element, preprocess);
    if (spec.name.empty())
      element.error("expected a column's name");
    else if (std::ranges::find(all, spec.name, &data::ColumnSpec::name) != all.end() ||
             std::ranges::find(ignored, spec.name) != ignored.end())
      element.error("column listed twice");
    else if (spec.kind == data::Kind::ignore)
      ignored.push_back(std::move(spec.name));
    else
      all.push_back(std::move(spec));
  }
  return all;
}

std::vector<std::string> names_of(const std::vector<data::ColumnSpec>& specs) {
  std::vector<std::string> names;
  for (const data::ColumnSpec& spec : specs) names.push_back(spec.name);
  return names;
}

config::Json entries(const std::vector<data::ColumnSpec>& specs, data::Preprocess preprocess) {
  config::Json list = config::Json::array();
  for (const data::ColumnSpec& spec : specs) list.push_back(spec.to_json(preprocess));
  return list;
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

Missing read_missing(const config::Node& data, const std::vector<data::ColumnSpec>& columns) {
  const std::string word = data.choice("missing", "error", {"error", "drop", "marginalize"});
  if (word != "marginalize") return word == "drop" ? Missing::drop : Missing::error;
  if (std::ranges::find(columns, data::Preprocess::whiten, &data::ColumnSpec::preprocess) != columns.end())
    data.error_at("missing",
                  "\"whiten\" mixes the columns, so a row with a missing cell has no place in its units; "
                  "use \"standardize\", or \"drop\"");
  return Missing::marginalize;
}

}  // namespace

Settings Settings::read(const config::Node& root, std::optional<std::span<const std::string>> header) {
  Settings s;
  const config::Node data = root.member("data");
  const data::Preprocess preprocess = data::read_preprocess(data, data::Preprocess::standardize);
  s.context_specs = read_specs(data, "context", preprocess, s.ignored);
  s.context = names_of(s.context_specs);
  s.column_specs = read_specs(data, "columns", preprocess, s.ignored);
  s.weight = weight_column(data);
  // Without names, or with names that are only ignored: all the others.
  const bool all_others = !data.has("columns") || data.member("columns").is_null() || !s.ignored.empty();
  const auto among = [](const std::vector<std::string>& list, const std::string& name) {
    return std::ranges::find(list, name) != list.end();
  };
  if (s.column_specs.empty() && header && all_others) {
    for (const std::string& name : *header) {
      if (!among(s.context, name) && !among(s.ignored, name) && name != s.weight)
        s.column_specs.push_back({.name = name, .preprocess = preprocess});
    }
  }
  s.columns = names_of(s.column_specs);
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
    s.column_specs = {{.name = "x"}};
  }
  data.resolve("columns", entries(s.column_specs, preprocess));
  data.resolve("context", entries(s.context_specs, preprocess));
  if (std::ranges::find(s.column_specs, data::Kind::integer, &data::ColumnSpec::kind) != s.column_specs.end())
    s.integer_points = data.integer("integer_points", 32, 1, 65536);
  s.validation = data.number("validation", 0.1, {.low = 0.0, .high = 0.9});
  s.missing = read_missing(data, s.column_specs);
  (void)data.has("note");  // JSON has no comments
  data.finish();
  const config::Node train = root.member("train");
  s.float64 = train.choice("dtype", "float32", {"float32", "float64"}) == "float64";
  s.seed = train.seed("seed", 0);
  s.ensemble = root.integer("ensemble", 1, 1, 64);
  return s;
}

}  // namespace flowfit::flow
