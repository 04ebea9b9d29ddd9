// A JSON node that knows its path: strict, typed reading that collects every error and writes the resolved config.
#include "config/node.h"

#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/node_shared.h"
#include "core/error.h"
#include "core/text.h"

namespace flowfit::config {

namespace {

constexpr double unbounded = 1e300;  // as in Range

std::string range_text(const Range& range) {
  const bool low = range.low > -unbounded, high = range.high < unbounded;
  if (low && high)
    return std::string("must be in ") + (range.open_low ? "(" : "[") + core::number(range.low) + ", " + core::number(range.high) +
           "]";
  if (low) return (range.open_low ? "must be > " : "must be at least ") + core::number(range.low);
  if (high) return "must be at most " + core::number(range.high);
  return "must be a finite number";
}

/// The largest int is mentioned only to someone who went beyond it.
std::string range_text(int low, int high, double value) {
  return range_text({low == INT_MIN && value > low ? -HUGE_VAL : low, high == INT_MAX && value < high ? HUGE_VAL : high});
}

bool inside(double value, const Range& range) {
  return std::isfinite(value) && value <= range.high && (range.open_low ? value > range.low : value >= range.low);
}

std::string show(const Json* value) {
  if (value == nullptr) return "nothing";
  if (value->is_string()) return core::quoted(value->get_ref<const std::string&>());
  if (value->is_object()) return "an object";
  if (value->is_array()) return value->empty() ? "an empty list" : "a list";
  if (value->is_number_float()) return core::number(value->get<double>());
  return value->dump();
}

/// For a number in quotes, the most common slip.
std::string_view number_hint(const Json& value) {
  return value.is_string() && core::parse_number(value.get_ref<const std::string&>()) ? "write it without quotes" : "";
}

std::vector<std::string> to_strings(std::initializer_list<std::string_view> words) { return {words.begin(), words.end()}; }

std::string one_of(std::span<const std::string> allowed) {
  std::vector<std::string> words;
  for (const std::string& word : allowed) words.push_back(core::quoted(word));
  return (words.size() == 1 ? "expected " : "expected one of ") + core::joined(words);
}

}  // namespace

std::string Node::path() const { return path_.empty() ? "/" : path_; }

bool Node::exists() const { return value_ != nullptr; }
bool Node::is_null() const { return value_ != nullptr && value_->is_null(); }
bool Node::is_object() const { return value_ != nullptr && value_->is_object(); }
bool Node::is_array() const { return value_ != nullptr && value_->is_array(); }
bool Node::is_string() const { return value_ != nullptr && value_->is_string(); }
bool Node::is_number() const { return value_ != nullptr && value_->is_number(); }
bool Node::is_boolean() const { return value_ != nullptr && value_->is_boolean(); }

bool Node::has(std::string_view key) const { return member(key).exists(); }

Node Node::member(std::string_view key) const {
  shared_->ask(path_, key);
  const Json* found = nullptr;
  if (value_ != nullptr && expect_object()) {
    const auto item = value_->find(std::string(key));
    if (item != value_->end()) found = &*item;
  }
  return Node(shared_, Shared::child(path_, key), found);
}

Node Node::required(std::string_view key) const {
  Node node = member(key);
  if (is_object() && !node.exists()) shared_->record(node.path_, "required key is missing", "", "");
  return node;
}

std::vector<std::string> Node::keys() const {
  std::vector<std::string> keys;
  if (is_object())
    for (auto item = value_->begin(); item != value_->end(); ++item) keys.push_back(item.key());
  return keys;
}

double Node::number(std::string_view key, double fallback, Range range) const {
  const Node node = member(key);
  const double value = node.exists() ? node.as_number(range).value_or(fallback) : fallback;
  node.resolve(value);
  return value;
}

std::optional<double> Node::number_or_null(std::string_view key, std::optional<double> fallback, Range range) const {
  const Node node = member(key);
  std::optional<double> value = fallback;
  if (node.is_null()) {
    value.reset();
  } else if (node.exists()) {
    value = node.as_number(range);
    if (!value) value = fallback;
  }
  node.resolve(value ? Json(*value) : Json());
  return value;
}

namespace {

/// The whole number that a JSON value spells, however it is written (`1e3`, `5.0`); the text of what is wrong otherwise.
std::optional<int> whole(const Json& value, int low, int high, std::string& expected) {
  const double number = value.is_number() ? value.get<double>() : 0.5;
  if (number != std::floor(number)) {
    expected = "expected a whole number";
  } else if (number < low || number > high) {  // an int is exact as a double, and a rounded 64-bit value stays outside
    expected = range_text(low, high, number);
  } else {
    return static_cast<int>(number);
  }
  return std::nullopt;
}

}  // namespace

int Node::integer(std::string_view key, int fallback, int low, int high) const {
  const Node node = member(key);
  int value = fallback;
  if (node.exists()) {
    std::string expected;
    if (const std::optional<int> read = whole(*node.value_, low, high, expected))
      value = *read;
    else
      shared_->record(node.path_, expected, node.shown(), number_hint(*node.value_));
  }
  node.resolve(value);
  return value;
}

std::optional<int> Node::integer_or_null(std::string_view key, std::optional<int> fallback, int low, int high) const {
  const Node node = member(key);
  if (node.is_null() || (!node.exists() && !fallback)) {
    node.resolve(Json());
    return std::nullopt;
  }
  const int value = integer(key, fallback.value_or(0), low, high);
  return shared_->bad.contains(node.path_) ? fallback : value;
}

std::uint64_t Node::seed(std::string_view key, std::uint64_t fallback) const {
  constexpr double exact = 9007199254740992.0;  // 2^53: above, a number written with a point or exponent has lost digits
  const Node node = member(key);
  std::uint64_t value = fallback;
  if (node.exists()) {
    const Json& json = *node.value_;
    const double number = json.is_number() ? json.get<double>() : -1.0;
    if (json.is_number_unsigned())
      value = json.get<std::uint64_t>();
    else if (number >= 0.0 && number <= exact && number == std::floor(number))
      value = static_cast<std::uint64_t>(number);
    else
      shared_->record(node.path_, "must be a whole number in [0, 18446744073709551615]", node.shown(), number_hint(json));
  }
  node.resolve(value);
  return value;
}

bool Node::boolean(std::string_view key, bool fallback) const {
  const Node node = member(key);
  bool value = fallback;
  if (node.is_boolean())
    value = node.value_->get<bool>();
  else if (node.exists())
    shared_->record(node.path_, "expected true or false", node.shown(), "");
  node.resolve(value);
  return value;
}

std::string Node::string(std::string_view key, std::string_view fallback) const {
  const Node node = member(key);
  std::string value = node.exists() ? node.as_string().value_or(std::string(fallback)) : std::string(fallback);
  node.resolve(value);
  return value;
}

std::string Node::choice(std::string_view key, std::string_view fallback, std::span<const std::string> allowed) const {
  const Node node = member(key);
  std::string value(fallback);
  if (node.exists()) {
    const std::string given = node.is_string() ? node.value_->get<std::string>() : "";
    if (node.is_string() && std::find(allowed.begin(), allowed.end(), given) != allowed.end()) {
      value = given;
    } else {
      const std::string near = node.is_string() ? core::closest(given, allowed) : "";
      shared_->record(node.path_, one_of(allowed), node.shown(), near.empty() ? "" : "did you mean " + core::quoted(near) + "?");
    }
  }
  node.resolve(value);
  return value;
}

std::string Node::choice(std::string_view key, std::string_view fallback, std::initializer_list<std::string_view> allowed) const {
  return choice(key, fallback, to_strings(allowed));
}

std::string Node::required_choice(std::string_view key, std::span<const std::string> allowed) const {
  const Node node = member(key);
  if (node.exists()) return choice(key, "", allowed);
  if (is_object()) shared_->record(node.path_, "required key is missing", "", one_of(allowed));
  return "";
}

std::vector<int> Node::integers(std::string_view key, std::vector<int> fallback, int low, int high) const {
  const Node node = member(key);
  std::vector<int> values = fallback;
  if (node.exists()) {
    values.clear();
    bool good = node.is_array();
    for (const Node& element : node.elements()) {
      std::string expected;
      if (const std::optional<int> read = whole(*element.value_, low, high, expected))
        values.push_back(*read);
      else
        shared_->record(element.path_, expected, element.shown(), number_hint(*element.value_));
      good = good && expected.empty();
    }
    if (!good) values = std::move(fallback);
  }
  node.resolve(values);
  return values;
}

std::vector<double> Node::numbers(std::string_view key, std::vector<double> fallback, Range range) const {
  const Node node = member(key);
  std::vector<double> values = fallback;
  if (node.exists()) {
    values.clear();
    bool good = node.is_array();
    for (const Node& element : node.elements()) {
      const std::optional<double> read = element.as_number(range);
      good = good && read;
      values.push_back(read.value_or(0.0));
    }
    if (!good) values = std::move(fallback);
  }
  node.resolve(values);
  return values;
}

std::vector<std::string> Node::strings(std::string_view key, std::vector<std::string> fallback) const {
  const Node node = member(key);
  std::vector<std::string> values = fallback;
  if (node.exists()) {
    values.clear();
    bool good = node.is_array();
    for (const Node& element : node.elements()) {
      const std::optional<std::string> read = element.as_string();
      good = good && read;
      values.push_back(read.value_or(""));
    }
    if (!good) values = std::move(fallback);
  }
  node.resolve(values);
  return values;
}

std::vector<Node> Node::elements() const {
  std::vector<Node> nodes;
  if (value_ == nullptr) return nodes;
  if (!value_->is_array()) {
    shared_->record(path_, "expected a list", shown(), "");
    return nodes;
  }
  for (std::size_t i = 0; i < value_->size(); ++i) nodes.push_back(Node(shared_, path_ + "/" + std::to_string(i), &(*value_)[i]));
  return nodes;
}

std::optional<double> Node::as_number(Range range) const {
  if (value_ == nullptr) return std::nullopt;
  if (!value_->is_number()) {
    shared_->record(path_, "expected a number", shown(), number_hint(*value_));
    return std::nullopt;
  }
  const double value = value_->get<double>();
  if (inside(value, range)) return value;
  shared_->record(path_, range_text(range), shown(), "");
  return std::nullopt;
}

std::optional<std::string> Node::as_string() const {
  if (value_ == nullptr) return std::nullopt;
  if (value_->is_string()) return value_->get<std::string>();
  shared_->record(path_, "expected a string", shown(), "");
  return std::nullopt;
}

bool Node::expect_object() const {
  if (is_object()) return true;
  // One message for a wrong kind, however many members are then asked for; a missing node has been reported by `required`.
  if (value_ != nullptr && !shared_->bad.contains(path_)) shared_->record(path_, "expected an object", shown(), "");
  return false;
}

std::string Node::shown() const { return show(value_); }

void Node::error(std::string_view expected, std::string_view hint) const {
  shared_->record(path_, expected, value_ == nullptr || is_object() ? "" : shown(), hint);
}

void Node::error_at(std::string_view key, std::string_view text) const {
  shared_->record(Shared::child(path_, key), text, "", "");
}

void Node::finish() const {
  if (value_ == nullptr || !expect_object()) return;
  const std::vector<std::string>& asked = shared_->asked[path_];
  for (const std::string& key : keys()) {
    if (std::find(asked.begin(), asked.end(), key) != asked.end()) continue;
    shared_->record(Shared::child(path_, key), "unknown key", "", core::suggestion(key, asked));
  }
}

void Node::resolve(std::string_view key, const Json& value) const {
  if (Json* place = shared_->place(Shared::child(path_, key))) *place = value;
}

void Node::resolve(const Json& value) const {
  if (Json* place = shared_->place(path_)) *place = value;
}

Document::Document(Json json) : shared_(std::make_shared<Node::Shared>()) {
  shared_->input = std::move(json);
  shared_->resolved = shared_->input;
}

Node Document::root() const { return Node(shared_, "", &shared_->input); }
bool Document::ok() const { return shared_->errors.empty(); }
std::size_t Document::errors() const { return shared_->errors.size(); }
const Json& Document::resolved() const { return shared_->resolved; }

void Document::check() const {
  if (!ok()) throw core::ConfigError(core::joined(shared_->errors, "\n"));
}

void Document::alias(std::string from, std::string to) { shared_->aliases.emplace_back(std::move(from), std::move(to)); }

}  // namespace flowfit::config
