// A config as a command takes it: a file, with the flags that change it applied.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace flowfit::commands {

/// The JSON text of the config at `path` after `assignments` (`KEY=VALUE`, in order). Throws ConfigError.
std::string read_config(const std::string& path, const std::vector<std::string>& assignments = {});

/// The same of a config's text; `config_name` is for messages.
std::string assigned(const std::string& config, const std::string& config_name, const std::vector<std::string>& assignments);

/// Whether the config lists its columns, so that it can be checked without data.
bool names_columns(const std::string& config, const std::string& config_name);

struct DataWish {
  char delimiter = 0;                     ///< see data::ReadOptions
  const data::Dataset* like = nullptr;    ///< categories are those of that table
  std::uint64_t most_bytes = UINT64_MAX;  ///< see data::Selection
};
/// Reads the columns that the config names (modelled, context and weight), or all where it names none, and warns of a missing header.
/// What is malformed in the config is left for training to say, before any row is read where that is possible.
/// Rows with missing cells are dropped, and counted by a warning, where the config says so.
data::Dataset read_data(const std::string& path, const std::string& config, const std::string& config_name,
                        const DataWish& wish = {});

}  // namespace flowfit::commands
