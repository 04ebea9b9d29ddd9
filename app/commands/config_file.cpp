// A config as a command takes it: a file, with the flags that change it applied.
#include "commands/config_file.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "config/json.h"
#include "config/node.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "tables/table.h"
#include "terminal/log.h"
#include "training/train.h"

namespace flowfit::commands {
namespace {

using config::Json;

std::string kind_of(const Json& entry) {
  return entry.is_object() && entry.contains("kind") && entry["kind"].is_string() ? entry["kind"].get<std::string>()
                                                                                  : "continuous";
}

// The names under data.<key>, of one kind or of all but the ignored; nothing when there are none, or when they are not what they should be.
std::vector<std::string> named(const Json& config, const char* key, const char* kind = nullptr) {
  std::vector<std::string> names;
  const auto data = config.is_object() ? config.find("data") : config.end();
  if (data == config.end() || !data->is_object()) return {};
  const auto list = data->find(key);
  if (list == data->end() || !list->is_array()) return {};
  for (const Json& entry : *list) {
    const Json* const name = entry.is_object() && entry.contains("name") ? &entry["name"] : &entry;
    if (!name->is_string()) return {};
    if (kind ? kind_of(entry) != kind : kind_of(entry) == "ignore") continue;
    names.push_back(name->get<std::string>());
  }
  return names;
}

// The text under data.<key>, if it is one.
std::optional<std::string> word(const Json& config, const char* key) {
  const auto data = config.is_object() ? config.find("data") : config.end();
  if (data == config.end() || !data->is_object() || !data->contains(key) || !(*data)[key].is_string()) return std::nullopt;
  return (*data)[key].get<std::string>();
}

// Similar names in the same folder, for a config that is not there.
std::string hint_for_missing(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code none;
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  for (fs::directory_iterator at(folder, none), end; !none && at != end; at.increment(none))
    if (at->path().extension() == ".json") names.push_back(at->path().filename().string());
  const std::string near = core::closest(fs::path(path).filename().string(), names);
  return near.empty() ? "" : "did you mean " + core::quoted((fs::path(path).parent_path() / near).string()) + "?";
}

// Checks all that can be known from the header alone, so that a typo is told before a large table is read.
void check_early(Json config, const std::string& config_name, const std::vector<std::string>& header) {
  if (!config.is_object()) return;
  if (named(config, "columns").empty()) {
    std::vector<std::string> others = named(config, "context");
    for (const std::string& name : named(config, "columns", "ignore")) others.push_back(name);
    if (const std::optional<std::string> weight = word(config, "weight")) others.push_back(*weight);
    Json columns = Json::array();
    for (const std::string& name : header)
      if (std::find(others.begin(), others.end(), name) == others.end()) columns.push_back(name);
    if (columns.empty() || (config.contains("data") && !config["data"].is_object())) return;
    config["data"]["columns"] = std::move(columns);
  }
  (void)training::check(config::print_json(config), config_name, nullptr, 1);
}

}  // namespace

std::string read_config(const std::string& path, const std::vector<std::string>& assignments) {
  std::error_code none;
  if (!std::filesystem::exists(path, none))
    throw core::ConfigError(core::message(path, "no such config file", "", hint_for_missing(path)));
  if (std::filesystem::is_directory(path, none))
    throw core::ConfigError(core::message(path, "expected a JSON config file", "a folder"));
  return assigned(core::read_file(path), path, assignments);
}

std::string assigned(const std::string& config, const std::string& config_name, const std::vector<std::string>& assignments) {
  Json json = config::parse_json(config, config_name);
  for (const std::string& assignment : assignments) config::assign(json, assignment);
  return config::print_json(json);
}

bool names_columns(const std::string& config, const std::string& config_name) {
  const Json json = config::parse_json(config, config_name);
  if (!json.is_object() || !json.contains("data") || !json["data"].is_object()) return false;
  const Json& data = json["data"];
  return data.contains("columns") && !data["columns"].is_null() && data["columns"] != Json::array();
}

data::Dataset read_data(const std::string& path, const std::string& config, const std::string& config_name,
                        const DataWish& wish) {
  const Json json = config::parse_json(config, config_name);
  data::Selection selection{
      .wanted = named(json, "columns"), .ignored = named(json, "columns", "ignore"), .most_bytes = wish.most_bytes};
  const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  if (!selection.wanted.empty()) {
    append(selection.wanted, named(json, "context"));
    if (const std::optional<std::string> weight = word(json, "weight")) selection.wanted.push_back(*weight);
  }
  for (const char* key : {"columns", "context"}) append(selection.categorical, named(json, key, "categorical"));
  if (word(json, "missing") == "drop") selection.bad = data::BadCell::drop_missing;
  if (word(json, "missing") == "marginalize") selection.bad = data::BadCell::keep_missing;
  const data::ReadOptions options{.delimiter = wish.delimiter, .names = {selection.wanted}};
  std::error_code none;
  const bool early = std::filesystem::is_regular_file(path, none);
  if (early) {
    const std::unique_ptr<data::TableReader> reader = data::open_table(path, options);
    tables::warn_of_numeric_header(reader->header(), reader->name());
    check_early(json, config_name, reader->header());
  } else if (!selection.wanted.empty()) {
    check_early(json, config_name, {});
  }
  data::Dataset dataset = data::read_dataset(path, selection, options, wish.like);
  if (!early) tables::warn_of_numeric_header(dataset.names, dataset.source);
  if (dataset.dropped > 0)
    terminal::warning(dataset.source + ": dropped " + core::counted(dataset.dropped, "row") + " of " +
                      std::to_string(dataset.rows() + dataset.dropped) + " with a missing cell");
  return dataset;
}

}  // namespace flowfit::commands
