// flowfit inspect: shows what a model is.
#include "commands/inspect.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/file.h"
#include "core/text.h"
#include "flow/model.h"

namespace flowfit::commands {
namespace {

using config::Json;

std::string padded(std::string text, std::size_t width) {
  // Columns on the screen, not bytes: continuation bytes of UTF-8 take no room.
  std::size_t shown = 0;
  for (const char c : text) shown += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  if (shown < width) text.append(width - shown, ' ');
  return text;
}

std::string grouped(std::size_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// A setting as a person reads it: {"type": "spline", "bins": 16} is `spline bins=16`.
std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object()) return config::print_json(value);
  std::string text = value.contains("type") ? shown(value["type"]) : "";
  for (const auto& [key, part] : value.items()) {
    if (key == "type" || part.is_null() || (part.is_boolean() && !part.get<bool>())) continue;
    if (!text.empty()) text += ' ';
    text += part.is_object() ? key + "=(" + shown(part) + ")" : part.is_boolean() ? key : key + "=" + shown(part);
  }
  return text;
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// `(log x - 1.5) / 0.3`, `whole numbers in [0, 9], by 20 quantiles`
std::string preprocessing(const data::Column& column) {
  const auto interval = [](char open, double low, double high, char close) {
    return open + rounded(low) + ", " + rounded(high) + close;
  };
  std::string kind, value = "x";
  switch (column.kind) {
    case data::Kind::positive:
      value = "log x";
      break;
    case data::Kind::bounded:
      kind = "in " + interval('[', column.least, column.most, ']') + ", ";
      value = "logit of x in " + interval('(', column.low, column.high, ')');
      break;
    case data::Kind::integer:
      kind = "whole numbers in " + interval('[', column.least, column.most, ']') + ", ";
      break;
    case data::Kind::periodic:
      kind = "on the circle " + interval('[', column.low, column.high, ')') + ", ";
      break;
    case data::Kind::categorical:
      return std::to_string(column.categories.size()) + " categories: " + core::joined(column.categories);
    default:
      break;
  }
  if (!column.quantiles.empty()) return kind + value + " by " + std::to_string(column.quantiles.x.size()) + " quantiles";
  if (column.loc == 0.0 && column.scale == 1.0) return kind + (value == "x" ? "as it is" : value);
  return kind + "(" + value + (column.loc < 0 ? " + " : " - ") + rounded(std::abs(column.loc)) + ") / " + rounded(column.scale);
}

struct Page {
  std::string text;

  void line(const std::string& label, const std::string& value) {
    text += label.empty() ? padded("", 12) + value : padded(label, 12) + value;
    text += '\n';
  }

  void columns(const std::string& label, const std::vector<data::Column>& columns) {
    if (columns.empty()) return line(label, "none");
    std::size_t width = 0;
    for (const data::Column& column : columns) width = std::max(width, column.name.size());
    bool first = true;
    for (const data::Column& column : columns) {
      line(first ? label : "", padded(column.name, width) + "  " + preprocessing(column));
      first = false;
    }
  }

  void flow(const Json& owner, const std::string& prefix, const std::vector<flow::Model::ParameterInfo>& parameters) {
    line("base", owner.contains("base") ? shown(owner["base"]) : "normal");
    std::size_t number = 0;
    for (const Json& layer : owner["flow"]) {
      const std::string name = prefix + "flow." + std::to_string(number) + ".";
      std::size_t count = 0;
      for (const auto& p : parameters) count += p.learned && p.name.starts_with(name) ? p.size : 0;
      line(number == 0 ? "flow" : "",
           padded(std::to_string(number), 3) + shown(layer) + (count > 0 ? "  [" + grouped(count) + " parameters]" : ""));
      ++number;
    }
  }
};

Json columns_json(const std::vector<data::Column>& columns) {
  Json list = Json::array();
  for (const data::Column& c : columns) list.push_back(c.to_json());
  return list;
}

}  // namespace

std::string description(const std::string& path, const flow::Model& model) {
  Page page;
  std::error_code none;
  const auto bytes = std::filesystem::file_size(path, none);
  const Json config = config::parse_json(model.config(), "config");
  const std::vector<flow::Model::ParameterInfo> parameters = model.parameters();
  std::size_t count = 0;
  for (const auto& p : parameters) count += p.learned ? p.size : 0;
  page.line("model", path + (none ? "" : " (" + grouped(bytes) + " bytes)"));
  page.line("parameters", grouped(count) + " in " + (model.float64() ? "float64" : "float32"));
  page.columns("columns", model.schema().columns);
  page.columns("context", model.schema().context);
  if (config.contains("factors")) {
    std::size_t number = 0;
    for (const Json& factor : config["factors"]) {
      page.text += '\n';
      page.line("factor " + std::to_string(number),
                shown(factor["columns"]) +
                    (factor.contains("context") && !factor["context"].empty() ? " given " + shown(factor["context"]) : ""));
      page.flow(factor, "factors." + std::to_string(number) + ".", parameters);
      ++number;
    }
  } else {
    page.text += '\n';
    page.flow(config, "", parameters);
  }
  page.text += '\n';
  if (model.record().empty()) {
    page.line("training", "no record: the file was made by a script");
  } else {
    bool first = true;
    const Json record = config::parse_json(model.record(), "record");  // named: items() keeps a reference
    for (const auto& [key, value] : record.items()) {
      page.line(first ? "training" : "",
                padded(key, 18) + (value.is_number_float() ? rounded(value.get<double>()) : shown(value)));
      first = false;
    }
  }
  return page.text;
}

namespace {

std::string document(const std::string& path, const flow::Model& model) {
  Json json;
  std::size_t count = 0;
  Json tensors = Json::array();
  for (const auto& p : model.parameters()) {
    tensors.push_back({{"name", p.name}, {"shape", p.shape}});
    count += p.learned ? p.size : 0;
  }
  json["model"] = path;
  json["dtype"] = model.float64() ? "float64" : "float32";
  json["parameters"] = count;
  json["columns"] = columns_json(model.schema().columns);
  json["context"] = columns_json(model.schema().context);
  json["training"] = model.record().empty() ? Json() : config::parse_json(model.record(), "record");
  json["config"] = config::parse_json(model.config(), "config");
  json["tensors"] = std::move(tensors);
  return config::print_json(json, 2) + "\n";
}

}  // namespace

std::string_view Inspect::help() const {
  return R"(usage: flowfit inspect MODEL [--json]

Shows what a model is: its columns and how they are preprocessed, its layers, the number of its parameters, and what training
noted about itself.

Options
      --json   all of it as one JSON object: with the whole config, and the names and shapes of the tensors

Examples
  flowfit inspect runs/circles
  flowfit inspect runs/circles --json | jq .config > circles.json
)";
}

void Inspect::options(Options& options) {
  options.positional("MODEL", model_);
  options.flag("--json", json_);
}

int Inspect::run(const Context& context) {
  (void)context;
  const std::string path = flow::model_path(needed(model_, name(), "MODEL"));
  const std::unique_ptr<flow::Model> model = flow::load_model(path);
  core::Output out("-");
  out.buffer() += json_ ? document(path, *model) : description(path, *model);
  out.close();
  return 0;
}

}  // namespace flowfit::commands
