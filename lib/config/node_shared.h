// What all nodes of one document share: its values, the errors so far, the keys asked for, the resolved tree. Only for node.cpp.
#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "core/error.h"
#include "core/text.h"

namespace flowfit::config {

struct Node::Shared {
  Json input, resolved;
  std::vector<std::string> errors;
  std::set<std::string> recorded;                            // the same texts, to say each once
  std::set<std::string, std::less<>> bad;                    // paths that have an error
  std::map<std::string, std::vector<std::string>> asked;     // keys asked for, by the path of their object
  std::vector<std::pair<std::string, std::string>> aliases;  // where a person wrote what stands at a path

  void ask(const std::string& path, std::string_view key) {
    std::vector<std::string>& keys = asked[path];
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.emplace_back(key);
  }

  void record(const std::string& path, std::string_view expected, std::string_view got, std::string_view hint) {
    // A key may hold anything; a message is one line.
    const std::string shown = core::quoted(path.empty() ? "/" : written(path), 300);
    std::string text = core::message(std::string_view(shown).substr(1, shown.size() - 2), expected, got, hint);
    bad.insert(path);
    if (recorded.insert(text).second) errors.push_back(std::move(text));
  }

  std::string written(const std::string& path) const {
    for (const auto& [from, to] : aliases) {
      if (path.starts_with(from) && (path.size() == from.size() || path[from.size()] == '/'))
        return to + path.substr(from.size());
    }
    return path;
  }

  /// The place of a path in the resolved tree, made when it is missing; null when a value of the wrong kind is in the way.
  Json* place(std::string_view path) {
    Json* at = &resolved;
    while (!path.empty()) {
      path.remove_prefix(1);
      const std::size_t end = std::min(path.find('/'), path.size());
      const std::string key = unescaped(path.substr(0, end));
      path.remove_prefix(end);
      if (at->is_null()) *at = Json::object();
      if (at->is_object()) {
        at = &(*at)[key];
      } else if (at->is_array()) {
        const auto index = core::parse_unsigned(key);
        if (!index || *index >= at->size()) return nullptr;
        at = &(*at)[static_cast<std::size_t>(*index)];
      } else {
        return nullptr;
      }
    }
    return at;
  }

  /// RFC 6901: `~` is `~0` and `/` is `~1`.
  static std::string child(const std::string& path, std::string_view key) {
    std::string text = path + "/";
    for (const char c : key) {
      if (c == '~')
        text += "~0";
      else if (c == '/')
        text += "~1";
      else
        text += c;
    }
    return text;
  }

  static std::string unescaped(std::string_view token) {
    std::string key;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] == '~' && i + 1 < token.size())
        key += token[++i] == '0' ? '~' : '/';
      else
        key += token[i];
    }
    return key;
  }
};

}  // namespace flowfit::config
