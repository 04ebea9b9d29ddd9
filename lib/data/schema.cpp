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

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

void expect_columns(std::size_t expected, const Columns& columns) {
  if (expected != columns.size()) throw std::logic_error("Schema: expected " + std::to_string(expected) + " columns");
}

/// Encodes one column; adds what differs from row to row to `log_det`, unless empty, and returns what is the same for all.
double encode_column(const Column& column, std::vector<double>& values, std::span<double> log_det) {
  if (column.affine()) {
    const double loc = column.loc, scale = column.scale;
    bool whole = true;
    for (double& value : values) {
      value = (value - loc) / scale;
      whole = whole && !std::isnan(value);
    }
    // Taken back where the cell is missing, so that a whole row's bits do not depend on its neighbours.
    for (std::size_t i = 0; !whole && i < log_det.size(); ++i)
      if (std::isnan(values[i])) log_det[i] += std::log(scale);
    return -std::log(scale);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Point point = column.at(values[i]);
    values[i] = point.value;
    if (!log_det.empty()) log_det[i] += point.log_slope;
  }
  return 0.0;
}

/// `count` points of the unit cube, one after the other: evenly in the first dimension, which alone they cut into as many equal parts; in the others those of the
/// additive recurrence by the powers of 1/φ, φ^dims = φ + 1 (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018), in the way that Hammersley
/// makes a set of a sequence.
std::vector<double> spread_points(std::size_t count, std::size_t dims) {
  if (dims == 0) return {};
  double phi = 2;
  for (int i = 0; i < 64; ++i) phi = std::pow(1 + phi, 1 / static_cast<double>(dims));
  std::vector<double> points;
  for (std::size_t p = 0; p < count; ++p) {
    double step = 1;
    points.push_back((static_cast<double>(p) + 0.5) / static_cast<double>(count));
    for (std::size_t d = 1; d < dims; ++d) {
      step /= phi;
      const double place = 0.5 + step * static_cast<double>(p);
      points.push_back(place - std::floor(place));
    }
  }
  return points;
}

/// Cholesky's factor of the correlation of encoded columns.
Whitening whiten(const std::vector<ColumnSpec>& specs, const Columns& encoded) {
  Whitening w;
  for (std::size_t i = 0; i < specs.size(); ++i)
    if (specs[i].preprocess == Preprocess::whiten) w.columns.push_back(i);
  const double n = w.columns.empty() ? 1.0 : static_cast<double>(encoded[w.columns.front()].size());
  for (std::size_t i = 0; i < w.columns.size(); ++i) {
    const std::vector<double>& a = encoded[w.columns[i]];
    for (std::size_t j = 0; j <= i; ++j) {
      const std::vector<double>& b = encoded[w.columns[j]];
      double sum = 0.0;
      for (std::size_t row = 0; row < a.size(); ++row) sum += a[row] * b[row];
      sum /= n;
      for (std::size_t k = 0; k < j; ++k) sum -= w.entry(i, k) * w.entry(j, k);
      constexpr double least = 1e-10;  // of a variance of 1
      if (i == j && !(sum > least))
        throw core::DataError(
            "column " + core::quoted(specs[w.columns[i]].name) +
            " is a linear combination of the columns before it; leave it out, or give it \"preprocess\": \"standardize\"");
      w.lower.push_back(i == j ? std::sqrt(sum) : sum / w.entry(j, j));
    }
  }
  return w;
}

std::vector<Column> columns_from_json(const config::Node& list, std::set<std::string>& seen) {
  std::vector<Column> columns;
  for (const config::Node& element : list.elements()) {
    columns.push_back(Column::from_json(element));
    const std::string& name = columns.back().name;
    if (!name.empty() && !seen.insert(name).second) element.member("name").error("expected each name once");
  }
  return columns;
}

Whitening whitening_from_json(const config::Node& node, const std::vector<Column>& columns) {
  Whitening w;
  for (const config::Node& element : node.member("columns").elements()) {
    const std::string name = element.as_string().value_or("");
    const auto found = std::ranges::find(columns, name, &Column::name);
    const auto place = static_cast<std::size_t>(found - columns.begin());
    if (found == columns.end() || (!w.columns.empty() && place <= w.columns.back()))
      element.error("expected columns of the schema, in its order");
    else
      w.columns.push_back(place);
  }
  const std::vector<config::Node> rows = node.required("lower").elements();
  bool whole = !w.columns.empty() && rows.size() == w.columns.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<config::Node> entries = rows[i].elements();
    whole = whole && entries.size() == i + 1;
    for (std::size_t j = 0; j < entries.size(); ++j)
      w.lower.push_back(entries[j].as_number({i == j ? 0.0 : -DBL_MAX, DBL_MAX, i == j}).value_or(1.0));
  }
  if (!whole) node.error_at("lower", "expected a row for each column, with as many numbers as columns up to it");
  node.finish();
  return whole ? w : Whitening{};
}

}  // namespace

Schema Schema::fit(const std::vector<ColumnSpec>& specs, const Columns& columns, const std::vector<ColumnSpec>& context_specs,
                   const Columns& context, const Columns& seen) {
  expect_columns(specs.size(), columns);
  expect_columns(context_specs.size(), context);
  if (!seen.empty()) expect_columns(specs.size() + context_specs.size(), seen);
  Schema schema;
  const std::vector<double> none;
  for (std::size_t i = 0; i < specs.size(); ++i)
    schema.columns.push_back(Column::fit(specs[i], columns[i], seen.empty() ? none : seen[i], true));
  for (std::size_t i = 0; i < context_specs.size(); ++i)
    schema.context.push_back(Column::fit(context_specs[i], context[i], seen.empty() ? none : seen[specs.size() + i], false));
  if (std::ranges::any_of(specs, [](const ColumnSpec& spec) { return spec.preprocess == Preprocess::whiten; })) {
    Columns encoded = columns;
    schema.encode(encoded);
    schema.whitening = whiten(specs, encoded);
  }
  return schema;
}

std::vector<std::string> Schema::names() const { return names_of(columns); }
std::vector<std::string> Schema::context_names() const { return names_of(context); }
bool Schema::has(Kind kind) const {
  return std::ranges::any_of(columns, [kind](const Column& column) { return column.kind == kind; });
}

bool Schema::has_cells() const { return has(Kind::integer) || has(Kind::periodic); }

void Schema::encode(Columns& data, std::span<double> log_det) const {
  expect_columns(columns.size(), data);
  std::ranges::fill(log_det, 0.0);
  double constant = 0.0;
  for (std::size_t i = 0; i < data.size(); ++i) constant += encode_column(columns[i], data[i], log_det);
  const Whitening& w = whitening;
  for (std::size_t i = 0; i < w.columns.size(); ++i) {
    std::vector<double>& y = data[w.columns[i]];
    for (std::size_t j = 0; j < i; ++j) {
      const std::vector<double>& before = data[w.columns[j]];
      for (std::size_t row = 0; row < y.size(); ++row) y[row] -= w.entry(i, j) * before[row];
    }
    for (double& value : y) value /= w.entry(i, i);
    constant -= std::log(w.entry(i, i));
  }
  for (double& value : log_det) value += constant;
}

void Schema::encode_context(Columns& data) const {
  expect_columns(context.size(), data);
  for (std::size_t i = 0; i < data.size(); ++i) (void)encode_column(context[i], data[i], {});
}

void Schema::decode(Columns& data, std::span<double> log_det) const {
  expect_columns(columns.size(), data);
  const Whitening& w = whitening;
  for (std::size_t i = w.columns.size(); i-- > 0;) {
    std::vector<double>& y = data[w.columns[i]];
    for (double& value : y) value *= w.entry(i, i);
    for (std::size_t j = 0; j < i; ++j) {
      const std::vector<double>& before = data[w.columns[j]];
      for (std::size_t row = 0; row < y.size(); ++row) y[row] += w.entry(i, j) * before[row];
    }
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (columns[i].affine()) {
      const double loc = columns[i].loc, scale = columns[i].scale;
      for (double& value : data[i]) value = value * scale + loc;
    } else {
      for (double& value : data[i]) value = columns[i].back(value);
    }
  }
  if (!log_det.empty()) {
    Columns again = data;
    encode(again, log_det);
  }
}

void Schema::as_sampled(Columns& data) const {
  for (std::size_t i = 0; i < data.size(); ++i)
    if (!columns[i].affine() || columns[i].kind == Kind::integer)
      for (double& value : data[i]) value = columns[i].sampled(value);
}

std::vector<CellPoint> Schema::cell_points(std::size_t count) const {
  std::vector<std::size_t> integers, circles;
  for (std::size_t d = 0; d < columns.size(); ++d) {
    if (columns[d].kind == Kind::integer) integers.push_back(d);
    if (columns[d].kind == Kind::periodic) circles.push_back(d);
  }
  std::vector<CellPoint> points;
  if (integers.empty() && circles.empty()) return points;
  const std::vector<double> places = spread_points(integers.empty() ? 1 : count, integers.size());
  const std::size_t cells = integers.empty() ? 1 : count;
  for (std::size_t p = 0; p < cells; ++p) {
    CellPoint point{1.0 / static_cast<double>(cells), std::vector<double>(columns.size(), 0.0),
                    std::vector<double>(columns.size(), 0.0)};
    for (std::size_t k = 0; k < integers.size(); ++k) point.data[integers[k]] = places[p * integers.size() + k];
    points.push_back(point);
    for (const std::size_t d : circles) {
      for (const double turn : {-1.0, 1.0}) {
        points.push_back(point);
        points.back().encoded[d] = turn * (columns[d].high - columns[d].low) / columns[d].scale;
      }
    }
  }
  return points;
}

void Schema::to_middle(Columns& data) const {
  for (std::size_t d = 0; d < columns.size(); ++d)
    if (columns[d].kind == Kind::integer)
      for (double& value : data[d]) value += 0.5;
}

void Schema::dequantize(Columns& data, const core::RandomKey& key, std::uint64_t first) const {
  std::vector<std::size_t> integers;
  for (std::size_t d = 0; d < columns.size(); ++d)
    if (columns[d].kind == Kind::integer) integers.push_back(d);
  std::vector<double> uniforms(integers.size());
  for (std::size_t row = 0; !integers.empty() && row < data.front().size(); ++row) {
    key.uniforms(first + row, uniforms);
    for (std::size_t k = 0; k < integers.size(); ++k) data[integers[k]][row] += uniforms[k];
  }
}

void Schema::pull_back(Columns& gradient, const Columns& rows) const {
  const Whitening& w = whitening;
  for (std::size_t i = w.columns.size(); i-- > 0;) {  // L⁻ᵀ
    std::vector<double>& g = gradient[w.columns[i]];
    for (double& value : g) value /= w.entry(i, i);
    for (std::size_t j = 0; j < i; ++j) {
      std::vector<double>& before = gradient[w.columns[j]];
      for (std::size_t row = 0; row < g.size(); ++row) before[row] -= w.entry(i, j) * g[row];
    }
  }
  for (std::size_t d = 0; d < columns.size(); ++d) {
    for (std::size_t row = 0; row < rows[d].size(); ++row) {
      if (columns[d].affine()) {
        gradient[d][row] /= columns[d].scale;
      } else {
        const Point point = columns[d].at(rows[d][row]);
        gradient[d][row] = gradient[d][row] * std::exp(point.log_slope) + point.bend;
      }
    }
  }
}

config::Json Schema::to_json() const {
  config::Json json;
  json["columns"] = config::Json::array();
  json["context"] = config::Json::array();
  for (const Column& column : columns) json["columns"].push_back(column.to_json());
  for (const Column& column : context) json["context"].push_back(column.to_json());
  if (whitening.columns.empty()) return json;
  config::Json names = config::Json::array(), lower = config::Json::array();
  for (std::size_t i = 0; i < whitening.columns.size(); ++i) {
    names.push_back(columns[whitening.columns[i]].name);
    const auto row = whitening.lower.begin() + static_cast<std::ptrdiff_t>(i * (i + 1) / 2);
    lower.push_back(std::vector<double>(row, row + static_cast<std::ptrdiff_t>(i) + 1));
  }
  json["whitening"] = {{"columns", names}, {"lower", lower}};
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
  if (root.has("whitening")) schema.whitening = whitening_from_json(root.member("whitening"), schema.columns);
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
