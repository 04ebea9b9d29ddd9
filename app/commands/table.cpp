// Rows of a CSV matched to a model by the names of its columns, in chunks of bounded memory.
#include "commands/table.h"

#include <algorithm>

#include "core/text.h"
#include "data/dataset.h"
#include "terminal/log.h"

namespace flowfit::commands {
namespace {

void name_unused(const data::CsvReader& reader, const std::vector<std::size_t>& used) {
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
  terminal::notice(reader.name() + ": ignoring " + counted(count, "column") +
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

Table::Table(const std::string& path, const data::Schema& schema, TableWish wish)
    : reader_(std::make_shared<data::CsvReader>(path, wish.keep_text)) {
  std::vector<std::string> wanted;
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
  rows_.columns = std::move(columns);
  const bool any = ahead_ ? ahead_->next(rows_) : reader_->read(chunk_, rows_) > 0;
  if (!any) rows_.count = 0;
  columns = std::move(rows_.columns);
  context.clear();
  for (std::size_t i = modelled_; i < columns.size(); ++i) context.push_back(std::move(columns[i]));
  columns.resize(std::min(modelled_, columns.size()));
  total_ += rows_.count;
  return any;
}

void append_cells(std::string& text, const data::Columns& columns, std::size_t row, bool& first) {
  for (const std::vector<double>& column : columns) {
    if (!first) text += ',';
    first = false;
    core::append_number(text, column[row]);
  }
}

void append_cells(std::string& text, const data::Columns& columns, const std::vector<data::Column>& kinds, std::size_t row,
                  bool& first) {
  for (std::size_t d = 0; d < columns.size(); ++d) {
    if (!first) text += ',';
    first = false;
    if (kinds[d].kind == data::Kind::categorical)
      text += data::csv_field(kinds[d].text(columns[d][row]));
    else
      core::append_number(text, columns[d][row]);
  }
}

void append_names(std::string& text, const std::vector<std::string>& names, bool& first) {
  for (const std::string& name : names) {
    if (!first) text += ',';
    first = false;
    text += data::csv_field(name);
  }
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace flowfit::commands
