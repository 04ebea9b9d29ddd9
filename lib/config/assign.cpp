// One `--set a.b.c=value` applied to a config.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/node.h"
#include "core/error.h"
#include "core/text.h"

namespace flowfit::config {
namespace {

Json parse_value(std::string_view text, const std::string& where) {
  const char first = text.empty() ? '\0' : text.front();
  try {
    return parse_json(text, where);
  } catch (const core::ConfigError&) {
    // What opens like JSON was meant as JSON; anything else is a word.
    if (first == '{' || first == '[' || first == '"') throw;
  }
  if (!core::is_utf8(text)) throw core::ConfigError(core::message(where, "expected a value in UTF-8", core::quoted(text)));
  return std::string(text);
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    parts.emplace_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace

void assign(Json& config, std::string_view assignment) {
  constexpr std::size_t deepest = 64;
  const std::string where = "--set " + core::quoted(assignment);
  const auto refuse = [&where](std::string_view expected, std::string_view got, std::string_view hint = {}) {
    throw core::ConfigError(core::message(where, expected, got, hint));
  };
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) refuse("expected KEY=VALUE", "no =", "for example train.steps=2000");
  const std::string_view path = assignment.substr(0, equals);
  if (!core::is_utf8(path)) refuse("expected a key in UTF-8", core::quoted(path));
  const std::vector<std::string> parts = split(path);
  if (parts.size() > deepest) refuse("expected at most 64 keys between dots", std::to_string(parts.size()));
  for (const std::string& part : parts)
    if (part.empty()) refuse("expected KEY=VALUE with a name between the dots", core::quoted(path));
  Json value = parse_value(assignment.substr(equals + 1), where);

  Json* at = &config;
  std::string walked;
  for (const std::string& part : parts) {
    if (at->is_null()) *at = Json::object();
    if (at->is_array()) {
      const std::optional<std::uint64_t> index = core::parse_unsigned(part);
      if (!index || *index >= at->size()) {
        const std::string known =
            at->empty() ? "the list is empty" : "the list has the elements 0 to " + std::to_string(at->size() - 1);
        refuse("expected an element's number after " + core::quoted(walked), core::quoted(part), known);
      }
      at = &(*at)[static_cast<std::size_t>(*index)];
    } else if (at->is_object()) {
      at = &(*at)[part];
    } else {
      refuse("expected an object at " + core::quoted(walked), core::quoted(print_json(*at)), "set the whole of it first");
    }
    walked += (walked.empty() ? "" : ".") + part;
  }
  *at = std::move(value);
}

}  // namespace flowfit::config
