// Rows of a table matched to a model by the names of its columns, in chunks of bounded memory.
#include "tables/table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "data/dataset.h"
#include "flow/missing.h"
#include "terminal/log.h"

namespace flowfit::tables {
namespace {

void name_unused(const data::TableReader& reader, const std::vector<std::size_t>& used) {
  constexpr std::size_t most = 10;
  std::vector<std::string> unused;
  for (std::size_t i = 0; i < reader.header().size(); ++i)
    if (std::find(used.begin(), used.end(), i) == used.end()) unused.push_back(core::quoted(reader.header()[i]));
  if (unused.empty()) return;
  const std::size_t count = unused.size();
  if (count > most) {
    unused.resize(most);
    unused.emplace_back("…");
  }
  terminal::notice(reader.name() + ": ignoring " + core::counted(count, "column") +
                   " that the model does not use: " + core::joined(unused));
}

}  // namespace

std::size_t chunk_rows(std::size_t columns) {
  constexpr std::size_t block = 96, most_blocks = 171, most_cells = 1 << 21;
  return block * std::clamp<std::size_t>(most_cells / block / std::max<std::size_t>(columns, 1), 1, most_blocks);
}

void warn_of_numeric_header(const std::vector<std::string>& header, const std::string& source) {
  if (std::all_of(header.begin(), header.end(), [](const std::string& name) { return core::parse_number(name).has_value(); }))
    terminal::warning(source + ": the first row looks like data, and was taken as the column names; put a row of names above it");
}

Table::Table(const std::string& path, const data::Schema& schema, TableWish wish) {
  const std::vector<std::string> context_names = schema.context_names();
  std::vector<std::string> wanted, all = schema.names();
  std::vector<data::Categories> categories;
  const auto want = [&](const std::vector<data::Column>& list) {
    for (const data::Column& column : list) {
      wanted.push_back(column.name);
      categories.push_back({.texts = column.categories});
    }
  };
  if (wish.modelled) want(schema.columns);
  modelled_ = wanted.size();
  if (wish.context) want(schema.context);
  all.insert(all.end(), context_names.begin(), context_names.end());
  std::vector<std::string> with_weight = wanted;
  if (!wish.weight.empty()) with_weight.push_back(wish.weight);
  reader_ =
      data::open_table(path, {.keep_text = wish.keep_text, .delimiter = wish.delimiter, .names = {with_weight, wanted, all}});
  const std::vector<std::string>& header = reader_->header();
  weighted_ =
      !wish.weight.empty() && !(wish.weight_optional && std::find(header.begin(), header.end(), wish.weight) == header.end());
  if (weighted_) {
    wanted = std::move(with_weight);
    categories.emplace_back();
  }
  warn_of_numeric_header(reader_->header(), reader_->name());
  std::vector<std::size_t> fields = data::locate(wanted, reader_->header(), reader_->name());
  if (!wish.keep_text) name_unused(*reader_, fields);
  chunk_ = chunk_rows(fields.size());
  reader_->select(std::move(fields), wish.bad, std::move(categories));
  if (wish.ahead) ahead_.emplace(reader_, chunk_);
}

bool Table::read() {
  // The vectors go back to the reader, which fills them again.
  for (std::vector<double>& column : context) columns.push_back(std::move(column));
  if (weighted_) columns.push_back(std::move(weights));
  rows_.columns = std::move(columns);
  const bool any = ahead_ ? ahead_->next(rows_) : reader_->read(chunk_, rows_) > 0;
  if (!any) rows_.count = 0;
  columns = std::move(rows_.columns);
  if (weighted_) {
    weights = std::move(columns.back());
    columns.pop_back();
  }
  context.clear();
  for (std::size_t i = modelled_; i < columns.size(); ++i) context.push_back(std::move(columns[i]));
  columns.resize(std::min(modelled_, columns.size()));
  total_ += rows_.count;
  return any;
}

data::BadCell bad_cells(const flow::Model& model) {
  return model.takes_missing() ? data::BadCell::keep_missing : data::BadCell::error;
}

data::BadCell whole_rows(const flow::Model& model) {
  return data_word(model, "missing") == "error" ? data::BadCell::error : data::BadCell::drop_missing;
}

void tell_skipped(const Table& table, std::string_view cell) {
  if (const std::size_t skipped = table.reader().skipped(); skipped > 0)
    terminal::warning(table.reader().name() + ": left out " + core::counted(skipped, "row") + " with a " + std::string(cell));
}

std::string data_word(const flow::Model& model, const std::string& key) {
  const config::Json config = config::parse_json(model.config(), "config");
  const config::Json::json_pointer place("/data/" + key);
  return config.contains(place) && config.at(place).is_string() ? config.at(place).get<std::string>() : std::string();
}

void refuse_inexact(const Table& table, const flow::Model& model, const data::Columns& columns, const data::Columns& context) {
  const std::size_t before = table.total() - table.rows();
  flow::refuse_inexact(model, columns, context,
                       [&](std::size_t row) { return table.reader().name() + ": row " + std::to_string(before + row + 1); });
}

std::vector<data::Heading> headings(const std::vector<std::string>& names) {
  std::vector<data::Heading> all;
  for (const std::string& name : names) all.push_back({name});
  return all;
}

std::vector<data::Heading> headings(const std::vector<data::Column>& columns) {
  std::vector<data::Heading> all;
  for (const data::Column& column : columns) all.push_back({column.name, column.kind == data::Kind::integer, column.categories});
  return all;
}

}  // namespace flowfit::tables
