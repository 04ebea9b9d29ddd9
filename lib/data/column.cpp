// Fitting a column to its data, and its map both ways.
#include "data/column.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::data {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const std::vector<std::string> kinds{"continuous", "positive", "bounded", "integer", "categorical", "periodic", "ignore"};
const std::vector<std::string> preprocesses{"standardize", "none", "quantile", "whiten"};

Kind kind_of(const std::string& text) { return static_cast<Kind>(std::ranges::find(kinds, text) - kinds.begin()); }

std::string place(const ColumnSpec& spec) { return "column " + core::quoted(spec.name); }

[[noreturn]] void fail_constant(const ColumnSpec& spec, double value, bool modelled) {
  throw core::DataError(place(spec) + " is constant (" + core::number(value) + "); remove it from data." +
                        (modelled ? "columns" : "context"));
}

void refuse(const ColumnSpec& spec, const std::string& expected, double value, const std::string& hint) {
  throw core::DataError(core::message(place(spec), expected, core::number(value), hint));
}

/// Whole numbers as the middle of what dequantization makes of them: equal ones evenly over [k, k + 1).
std::vector<double> dequantized(std::vector<double> values) {
  std::ranges::sort(values);
  for (std::size_t i = 0, j = 0; i < values.size(); i = j) {
    const double whole = values[i];
    while (j < values.size() && values[j] == whole) ++j;
    for (std::size_t k = i; k < j; ++k) values[k] = whole + (static_cast<double>(k - i) + 0.5) / static_cast<double>(j - i);
  }
  return values;
}

double modulo(double value, double period) {
  const double rest = value - period * std::floor(value / period);
  return rest < period ? rest : 0.0;
}

/// The middle of the widest gap between neighbours on the circle, in [0, period): there the fewest rows are torn apart.
double widest_gap(std::vector<double> values, double period) {
  std::ranges::sort(values);
  double start = values.back() - period, widest = -1, middle = 0;
  for (const double value : values) {
    if (value - start > widest) {
      widest = value - start;
      middle = 0.5 * (start + value);
    }
    start = value;
  }
  return modulo(middle, period);
}

}  // namespace

std::string_view word(Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }

Preprocess read_preprocess(const config::Node& node, Preprocess fallback) {
  const std::string text = node.choice("preprocess", preprocesses[static_cast<std::size_t>(fallback)], preprocesses);
  return static_cast<Preprocess>(std::ranges::find(preprocesses, text) - preprocesses.begin());
}

ColumnSpec ColumnSpec::read(const config::Node& entry, Preprocess preprocess) {
  ColumnSpec spec;
  spec.preprocess = preprocess;
  if (!entry.is_object()) {
    spec.name = entry.as_string().value_or("");
    return spec;
  }
  spec.name = entry.required("name").as_string().value_or("");
  spec.kind = kind_of(entry.choice("kind", "continuous", kinds));
  const config::Range any{-DBL_MAX, DBL_MAX};
  // A count's steps are sharp where they are few: by their ranks they lie well inside what a flow reaches.
  if (spec.kind == Kind::integer && preprocess != Preprocess::none) spec.preprocess = Preprocess::quantile;
  if (spec.kind == Kind::periodic && preprocess != Preprocess::none) spec.preprocess = Preprocess::standardize;
  if (spec.kind == Kind::categorical || spec.kind == Kind::ignore)
    spec.preprocess = Preprocess::none;
  else
    spec.preprocess = read_preprocess(entry, spec.preprocess);
  if (spec.kind == Kind::integer && spec.preprocess == Preprocess::whiten)
    entry.error_at("preprocess", R"(a whole number is not mixed with others; choose "quantile" or "standardize")");
  if (spec.kind == Kind::periodic && (spec.preprocess == Preprocess::whiten || spec.preprocess == Preprocess::quantile))
    entry.error_at("preprocess", R"(a circle has no ranks and is not mixed with others; choose "standardize" or "none")");
  if (spec.kind == Kind::bounded || spec.kind == Kind::integer) {
    spec.low = entry.number_or_null("low", std::nullopt, any);
    spec.high = entry.number_or_null("high", std::nullopt, any);
    if (spec.low && spec.high && !(*spec.low < *spec.high)) entry.error_at("high", "expected more than low");
  }
  if (spec.kind == Kind::bounded) spec.margin = entry.number("margin", spec.margin, {.low = 0.0, .high = 1.0, .open_low = true});
  if (spec.kind == Kind::periodic) {
    spec.period = entry.required("period").as_number({.low = 0.0, .high = DBL_MAX, .open_low = true}).value_or(1.0);
    spec.low = entry.number("low", 0.0, any);
  }
  entry.finish();
  return spec;
}

int ColumnSpec::features() const {
  if (kind == Kind::categorical) return categories.empty() ? 2 : static_cast<int>(categories.size());
  return kind == Kind::periodic ? 2 : 1;
}

config::Json ColumnSpec::to_json(Preprocess table) const {
  if (kind == Kind::continuous && preprocess == table) return name;
  config::Json json{{"name", name}, {"kind", word(kind)}};
  if (kind == Kind::categorical) return json;
  json["preprocess"] = preprocesses[static_cast<std::size_t>(preprocess)];
  const auto limit = [](const std::optional<double>& value) { return value ? config::Json(*value) : config::Json(); };
  if (kind == Kind::bounded || kind == Kind::integer) json["low"] = limit(low), json["high"] = limit(high);
  if (kind == Kind::bounded) json["margin"] = margin;
  if (kind == Kind::periodic) json["period"] = period, json["low"] = *low;
  return json;
}

Column Column::fit(const ColumnSpec& spec, const std::vector<double>& values, const std::vector<double>& seen, bool modelled) {
  Column column;
  column.name = spec.name;
  column.kind = spec.kind;
  if (values.size() < 2)
    throw core::DataError(core::message(place(spec), "expected at least 2 rows to fit to", std::to_string(values.size())));
  if (spec.kind == Kind::categorical) {
    column.categories = spec.categories;
    return column;
  }
  // A constant has no density. As context it is only useless, but cannot be standardized.
  const bool constant = std::ranges::all_of(values, [&](double value) { return value == values.front(); });
  if (constant && (modelled || spec.preprocess != Preprocess::none)) fail_constant(spec, values.front(), modelled);

  auto [least, most] = std::ranges::minmax(values);
  for (const double value : seen) least = std::min(least, value), most = std::max(most, value);
  const auto outside = [&](const auto& good) {
    for (const auto* part : {&values, &seen})
      for (const double value : *part)
        if (!good(value)) return std::optional(value);
    return std::optional<double>();
  };
  if (spec.kind == Kind::positive && !(least > 0))
    refuse(spec, "expected positive numbers", least, R"(choose another kind, such as "bounded" or "continuous")");
  if (spec.kind == Kind::bounded) {
    const double distance = spec.high.value_or(most) - spec.low.value_or(least);
    column.low = spec.low.value_or(least - spec.margin * distance);
    column.high = spec.high.value_or(most + spec.margin * distance);
    column.least = spec.low.value_or(least);
    column.most = spec.high.value_or(most);
    if (const auto bad = outside([&](double value) { return value > column.low && value < column.high; }))
      refuse(spec, "expected numbers between " + core::number(column.low) + " and " + core::number(column.high), *bad,
             "a limit itself has no logit: leave low or high out to have them from the data with a margin");
  }
  if (spec.kind == Kind::integer) {
    constexpr double largest = 0x1p52;
    column.least = spec.low.value_or(least);
    column.most = spec.high.value_or(most);
    if (const auto bad = outside([](double value) { return std::floor(value) == value && std::abs(value) < largest; }))
      refuse(spec, "expected whole numbers", *bad, R"(choose "kind": "continuous")");
    if (const auto bad = outside([&](double value) { return value >= column.least && value <= column.most; }))
      refuse(spec, "expected numbers from " + core::number(column.least) + " to " + core::number(column.most), *bad,
             "change its limits");
  }
  if (spec.kind == Kind::periodic) {
    column.low = *spec.low;
    column.high = *spec.low + spec.period;
    std::vector<double> places;
    for (const double value : values) places.push_back(modulo(value - column.low, spec.period));
    if (!modelled) {  // networks see its angle's cosine and sine
      column.scale = spec.period / (2 * std::numbers::pi);
      return column;
    }
    column.cut = widest_gap(std::move(places), spec.period);
  }

  std::vector<double> shaped = spec.kind == Kind::integer && modelled ? dequantized(values) : values;
  if (!column.affine())
    for (double& value : shaped) value = column.at(value).value;
  if (spec.preprocess == Preprocess::quantile)
    column.quantiles = QuantileMap::fit(std::move(shaped));
  else if (spec.preprocess != Preprocess::none)
    column.standardize(shaped);
  if (!(column.scale >= DBL_MIN)) fail_constant(spec, values.front(), modelled);
  return column;
}

// In two passes. Long double: neither the sum of 1e300s nor the squares of 1e-200s leave the range.
void Column::standardize(const std::vector<double>& values, const std::vector<double>& weights) {
  const auto weight = [&](std::size_t row) { return weights.empty() ? 1.0L : static_cast<long double>(weights[row]); };
  long double total = 0.0L, sum = 0.0L, squares = 0.0L;
  for (std::size_t row = 0; row < values.size(); ++row) {
    total += weight(row);
    sum += weight(row) * values[row];
  }
  loc = static_cast<double>(sum / total);
  for (std::size_t row = 0; row < values.size(); ++row) {
    const long double deviation = static_cast<long double>(values[row]) - loc;
    squares += weight(row) * deviation * deviation;
  }
  scale = static_cast<double>(std::sqrt(squares / total));
}

bool Column::affine() const { return (kind == Kind::continuous || kind == Kind::integer) && quantiles.empty(); }

Point Column::at(double x) const {
  Point shape{x, 0.0, 0.0};
  if (std::isnan(x)) return shape;
  switch (kind) {
    case Kind::positive:
      if (!(x > 0)) return {std::nan(""), -infinity, 0.0};
      shape = {std::log(x), -std::log(x), -1 / x};
      break;
    case Kind::bounded: {
      if (!(x > low && x < high)) return {std::nan(""), -infinity, 0.0};
      const double below = x - low, above = high - x;
      shape = {std::log(below / above), std::log(high - low) - std::log(below) - std::log(above), 1 / above - 1 / below};
      break;
    }
    case Kind::periodic:
      shape.value = modulo(x - low - cut, high - low);
      break;
    case Kind::categorical:
      return shape;
    default:
      break;
  }
  if (quantiles.empty()) return {(shape.value - loc) / scale, shape.log_slope - std::log(scale), shape.bend};
  const Point rank = quantiles.at(shape.value);
  return {rank.value, shape.log_slope + rank.log_slope, shape.bend + rank.bend * std::exp(shape.log_slope)};
}

double Column::back(double value) const {
  const double v = quantiles.empty() ? value * scale + loc : quantiles.back(value);
  switch (kind) {
    case Kind::positive:
      return std::clamp(std::exp(v), DBL_MIN, DBL_MAX);
    case Kind::bounded: {
      const double share = (high - low) / (1 + std::exp(std::abs(v)));  // of the nearer limit
      return std::clamp(v < 0 ? low + share : high - share, std::nextafter(low, high), std::nextafter(high, low));
    }
    case Kind::periodic:
      return low + modulo(v + cut, high - low);
    case Kind::categorical:
      return value;
    default:
      return v;
  }
}

double Column::sampled(double x) const {
  if (kind == Kind::integer) return std::clamp(std::floor(x), least, most) + 0.0;
  if (kind == Kind::bounded)
    return std::clamp(x, std::max(least, std::nextafter(low, high)), std::min(most, std::nextafter(high, low)));
  return kind == Kind::periodic && x >= high ? low : x;
}

std::string Column::text(double value) const {
  const bool known = kind == Kind::categorical && value >= 0 && value < static_cast<double>(categories.size());
  return known ? categories[static_cast<std::size_t>(value)] : core::number(value);
}

config::Json Column::to_json() const {
  config::Json json{{"name", name}};
  if (kind == Kind::categorical) {
    json["kind"] = word(kind);
    json["categories"] = categories;
    return json;
  }
  if (quantiles.empty()) {
    json["loc"] = loc;
    json["scale"] = scale;
  } else {
    json["quantiles"] = quantiles.to_json();
  }
  if (kind != Kind::continuous) json["kind"] = word(kind);
  if (kind == Kind::bounded || kind == Kind::periodic) json["low"] = low, json["high"] = high;
  if (kind == Kind::bounded || kind == Kind::integer) json["least"] = least, json["most"] = most;
  if (kind == Kind::periodic) json["cut"] = cut;
  return json;
}

Column Column::from_json(const config::Node& node) {
  Column column;
  const config::Node name = node.required("name");
  column.name = name.as_string().value_or("");
  if (name.is_string() && column.name.empty()) name.error("expected a name");
  const auto number = [&](const char* key) { return node.required(key).as_number({-DBL_MAX, DBL_MAX}).value_or(0.0); };
  if (node.has("kind")) column.kind = kind_of(node.choice("kind", "continuous", std::span(kinds).first(kinds.size() - 1)));
  if (column.kind == Kind::categorical) {
    column.categories = node.strings("categories", {});
    std::vector<std::string> sorted = column.categories;
    std::ranges::sort(sorted);
    if (sorted.empty() || std::ranges::adjacent_find(sorted) != sorted.end())
      node.error_at("categories", "expected at least one category, each once");
  } else if (node.has("quantiles")) {
    column.quantiles = QuantileMap::from_json(node.member("quantiles"));
  } else {
    column.loc = number("loc");
    column.scale = node.required("scale").as_number({0.0, DBL_MAX, true}).value_or(1.0);
  }
  const auto limits = [&](const char* low_key, const char* high_key, double& from, double& to, bool apart) {
    from = number(low_key);
    to = number(high_key);
    if (node.has(low_key) && node.has(high_key) && (to < from || (apart && to == from)))
      node.error_at(high_key, std::string("expected more than ") + low_key);
  };
  if (column.kind == Kind::bounded || column.kind == Kind::periodic) limits("low", "high", column.low, column.high, true);
  if (column.kind == Kind::bounded || column.kind == Kind::integer) limits("least", "most", column.least, column.most, false);
  if (column.kind == Kind::periodic) column.cut = number("cut");
  node.finish();
  return column;
}

}  // namespace flowfit::data
