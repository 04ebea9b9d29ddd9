// A JSON node that knows its path: strict, typed reading that collects every error and writes the resolved config.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/json.h"

namespace flowfit::config {

/// Closed range of a number; `open_low` excludes the low end. Message text: `must be in [2, 256]`, `must be > 0`, `must be at least 1`.
struct Range {
  double low = -1e300, high = 1e300;
  bool open_low = false;
};

/// One place in a config being read. Copies share the document: its values, the errors met so far and the resolved tree.
///
/// A getter on a bad value records an error with the path (`/flow/2/univariate/bins: must be in [2, 256], got 1`) and returns the
/// default (or zero), so that one run reports every mistake. A getter with a default writes the value it returns into the
/// resolved config; `finish()` records an error for each key nobody asked for, with a did-you-mean among those asked for.
/// `Document::check()` throws core::ConfigError with all messages, one a line.
class Node {
 public:
  std::string path() const;  ///< JSON pointer; "/" for the root, as in messages

  // Kinds. All false for a missing node.
  bool exists() const;
  bool is_null() const, is_object() const, is_array() const, is_string() const, is_number() const, is_boolean() const;

  // Members of an object. `has` counts as asking for the key.
  bool has(std::string_view key) const;
  Node member(std::string_view key) const;    ///< may be missing; as a getter it counts as asking
  Node required(std::string_view key) const;  ///< records an error when missing
  std::vector<std::string> keys() const;

  // Members as values, with their defaults.
  double number(std::string_view key, double fallback, Range range = {}) const;
  std::optional<double> number_or_null(std::string_view key, std::optional<double> fallback, Range range = {}) const;
  int integer(std::string_view key, int fallback, int low, int high) const;  ///< refuses 3.7; accepts 1e3 and 5.0
  std::optional<int> integer_or_null(std::string_view key, std::optional<int> fallback, int low, int high) const;
  std::uint64_t seed(std::string_view key, std::uint64_t fallback) const;  ///< 0 … 2^64−1
  bool boolean(std::string_view key, bool fallback) const;
  std::string string(std::string_view key, std::string_view fallback) const;
  std::string choice(std::string_view key, std::string_view fallback,
                     std::span<const std::string> allowed) const;  ///< did-you-mean
  std::string choice(std::string_view key, std::string_view fallback, std::initializer_list<std::string_view> allowed) const;
  std::vector<int> integers(std::string_view key, std::vector<int> fallback, int low, int high) const;
  std::vector<double> numbers(std::string_view key, std::vector<double> fallback, Range range = {}) const;
  std::vector<std::string> strings(std::string_view key, std::vector<std::string> fallback) const;
  std::string required_choice(std::string_view key, std::span<const std::string> allowed) const;

  // This node itself.
  std::vector<Node> elements() const;  ///< of an array; records an error when it is not one
  std::optional<double> as_number(Range range = {}) const;
  std::optional<std::string> as_string() const;
  bool expect_object() const;  ///< records an error when it is not an object
  std::string shown() const;   ///< the value as short text for a message: `"abc"`, `3.7`, `an object`

  /// Records `<path>: <expected>, got <shown()>; <hint>` here (without `got` for an object or a missing node).
  void error(std::string_view expected, std::string_view hint = {}) const;
  /// Records `<path>/<key>: <text>`.
  void error_at(std::string_view key, std::string_view text) const;

  /// Records unknown keys of this object. Call once every key has been asked for.
  void finish() const;

  /// Puts a value into the resolved config at this node (or at its member): for defaults that are worked out.
  void resolve(std::string_view key, const Json& value) const;
  void resolve(const Json& value) const;

 private:
  friend class Document;
  struct Shared;
  Node(std::shared_ptr<Shared> shared, std::string path, const Json* value)
      : shared_(std::move(shared)), path_(std::move(path)), value_(value) {}
  std::shared_ptr<Shared> shared_;
  std::string path_;             // "" for the root
  const Json* value_ = nullptr;  // null when missing
};

/// A config document: its JSON, the errors found while reading, and the resolved form with every default written out.
class Document {
 public:
  explicit Document(Json json);
  Node root() const;
  /// Messages about `from` and below it speak of `to`: the place where a person wrote what an expansion put at `from`.
  void alias(std::string from, std::string to);
  bool ok() const;
  std::size_t errors() const;
  void check() const;            ///< throws core::ConfigError with every recorded error
  const Json& resolved() const;  ///< starts as a copy of the input

 private:
  std::shared_ptr<Node::Shared> shared_;
};

/// Applies `--set a.b.c=value` to a config: dots go down, numbers index arrays, missing objects are created. The value is JSON, or a
/// plain string when it is not JSON. Throws core::ConfigError naming the assignment.
void assign(Json& config, std::string_view assignment);

}  // namespace flowfit::config
