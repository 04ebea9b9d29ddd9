// What a table is, by its first bytes.
#include "data/table_reader.h"

#include <algorithm>

#include "core/text.h"
#include "data/csv.h"
#include "data/csv_record.h"
#include "data/npy_reader.h"
#include "data/table_format.h"

namespace flowfit::data {

bool TableReader::header_is_numeric() const {
  return std::all_of(header().begin(), header().end(),
                     [](const std::string& name) { return core::parse_number(name).has_value(); });
}

std::optional<std::size_t> Categories::code(std::string_view text) {
  for (; index.size() < texts.size();) index.emplace(texts[index.size()], index.size());
  const auto found = index.find(text);
  if (found != index.end()) return found->second;
  // What is not UTF-8 could be written into no model.
  if (!open || (is_missing(text) && !may_be_category(text)) || !core::is_utf8(text)) return std::nullopt;
  texts.emplace_back(text);
  return index.emplace(texts.back(), texts.size() - 1).first->second;
}

std::unique_ptr<TableReader> open_table(const std::string& path, const ReadOptions& options) {
  auto input = std::make_unique<Input>(path);
  if (input->peek(npy_magic.size()) == npy_magic)
    return std::make_unique<NpyReader>(std::move(input), options.names, options.keep_text);
  const char delimiter = options.delimiter != 0 ? options.delimiter : format_of(path).delimiter();
  return std::make_unique<CsvReader>(std::move(input), options.keep_text, delimiter);
}

}  // namespace flowfit::data
