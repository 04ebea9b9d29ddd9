// The columns of a model and the bijection between data units and the units the flow sees, in double.
#include "data/schema.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "config/node.h"
#include "core/error.h"
#include "core/text.h"

namespace flowfit::data {
namespace {

bool is_constant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double value) { return value == values.front(); });
}

[[noreturn]] void fail_constant(const std::string& name, double value, const std::string& key) {
  throw core::DataError("column " + core::quoted(name) + " is constant (" + core::number(value) + "); remove it from " + key);
}

/// Mean and standard deviation in two passes. Long double: neither the sum of 1e300s nor the squares of 1e-200s leave the range.
Column standardized(const std::string& name, const std::vector<double>& values) {
  const auto n = static_cast<long double>(values.size());
  long double sum = 0.0L;
  for (const double value : values) sum += value;
  const double mean = static_cast<double>(sum / n);
  long double squares = 0.0L;
  for (const double value : values) {
    const long double deviation = static_cast<long double>(value) - mean;
    squares += deviation * deviation;
  }
  return {name, mean, static_cast<double>(std::sqrt(squares / n))};
}

std::vector<Column> fit_columns(bool standardize, bool modelled, const std::vector<std::string>& names, const Columns& columns) {
  if (names.size() != columns.size()) throw std::logic_error("Schema::fit: as many names as columns");
  std::vector<Column> fitted;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<double>& values = columns[i];
    if (values.size() < 2)
      throw core::DataError(
          core::message("column " + core::quoted(names[i]), "expected at least 2 rows to fit to", std::to_string(values.size())));
    // A constant has no density. As context it is only useless, but cannot be standardized.
    if ((modelled || standardize) && is_constant(values))
      fail_constant(names[i], values.front(), modelled ? "data.columns" : "data.context");
    fitted.push_back(standardize ? standardized(names[i], values) : Column{names[i], 0.0, 1.0});
    if (!(fitted.back().scale >= DBL_MIN)) fail_constant(names[i], values.front(), modelled ? "data.columns" : "data.context");
  }
  return fitted;
}

void encode_columns(const std::vector<Column>& schema, Columns& columns) {
  if (schema.size() != columns.size()) throw std::logic_error("Schema: expected " + std::to_string(schema.size()) + " columns");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const double loc = schema[i].loc, scale = schema[i].scale;
    for (double& value : columns[i]) value = (value - loc) / scale;
  }
}

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

config::Json columns_to_json(const std::vector<Column>& columns) {
  config::Json list = config::Json::array();
  for (const Column& column : columns) list.push_back({{"name", column.name}, {"loc", column.loc}, {"scale", column.scale}});
  return list;
}

std::vector<Column> columns_from_json(const config::Node& list, std::set<std::string>& seen) {
  std::vector<Column> columns;
  for (const config::Node& element : list.elements()) {
    Column column;
    const config::Node name = element.required("name");
    column.name = name.as_string().value_or("");
    if (name.is_string() && column.name.empty()) name.error("expected a name");
    if (name.is_string() && !seen.insert(column.name).second) name.error("expected each name once");
    column.loc = element.required("loc").as_number({-DBL_MAX, DBL_MAX}).value_or(0.0);
    column.scale = element.required("scale").as_number({0.0, DBL_MAX, true}).value_or(1.0);
    element.finish();
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace

Schema Schema::fit(std::string_view preprocess, const std::vector<std::string>& names, const Columns& columns,
                   const std::vector<std::string>& context_names, const Columns& context) {
  if (preprocess != "none" && preprocess != "standardize")
    throw core::ConfigError(core::message("preprocess", "expected \"none\" or \"standardize\"", core::quoted(preprocess)));
  const bool standardize = preprocess == "standardize";
  return {fit_columns(standardize, true, names, columns), fit_columns(standardize, false, context_names, context)};
}

std::vector<std::string> Schema::names() const { return names_of(columns); }
std::vector<std::string> Schema::context_names() const { return names_of(context); }

void Schema::encode(Columns& data) const { encode_columns(columns, data); }
void Schema::encode_context(Columns& data) const { encode_columns(context, data); }

void Schema::decode(Columns& data) const {
  if (columns.size() != data.size()) throw std::logic_error("Schema: expected " + std::to_string(columns.size()) + " columns");
  for (std::size_t i = 0; i < data.size(); ++i) {
    const double loc = columns[i].loc, scale = columns[i].scale;
    for (double& value : data[i]) value = value * scale + loc;
  }
}

double Schema::log_abs_det_jacobian() const {
  double sum = 0.0;
  for (const Column& column : columns) sum -= std::log(column.scale);
  return sum;
}

config::Json Schema::to_json() const {
  config::Json json;
  json["columns"] = columns_to_json(columns);
  json["context"] = columns_to_json(context);
  return json;
}

Schema Schema::from_json(const config::Json& json, const std::string& where) {
  config::Document document(json);
  const config::Node root = document.root();
  Schema schema;
  std::set<std::string> seen;
  const config::Node columns = root.required("columns");
  schema.columns = columns_from_json(columns, seen);
  if (columns.is_array() && schema.columns.empty()) columns.error("expected at least one column");
  schema.context = columns_from_json(root.required("context"), seen);
  root.finish();
  try {
    document.check();
  } catch (const core::ConfigError& error) {
    std::string text = error.what();
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, "; ");
    throw core::ModelError(where + ": " + text);
  }
  return schema;
}

}  // namespace flowfit::data
