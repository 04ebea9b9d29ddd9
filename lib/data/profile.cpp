// What the columns of a table look like.
#include "data/profile.h"

#include <cmath>
#include <set>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "data/csv_record.h"

namespace flowfit::data {
namespace {

constexpr double exact_whole = 9007199254740992.0;  // 2^53

struct Cells {
  std::set<double> numbers;
  std::unordered_set<std::string> texts;
  std::size_t count = 0, lows = 0, highs = 0;  // of numbers, and of those that equal the outermost ones
  double last = 0;
};

void add(ColumnProfile& column, Cells& cells, double number) {
  const bool first = cells.count++ == 0;
  column.whole = (first || column.whole) && number == std::floor(number) && std::abs(number) <= exact_whole;
  column.counts_up = first || (column.counts_up && number == cells.last + 1);
  cells.last = number;
  if (first || number < column.low) column.low = number, cells.lows = 0;
  if (first || number > column.high) column.high = number, cells.highs = 0;
  if (number == column.low) ++cells.lows;
  if (number == column.high) ++cells.highs;
  if (cells.numbers.size() < most_distinct) cells.numbers.insert(number);
}

void add(ColumnProfile& column, Cells& cells, const std::string& cell, std::size_t row) {
  ++column.present;
  const std::string text(trimmed(cell));
  if (cells.texts.size() < most_distinct) cells.texts.insert(text);
  if (const std::optional<double> number = core::parse_number(text); number && std::isfinite(*number)) {
    add(column, cells, *number);
  } else if (column.words++ == 0) {
    column.text = text;
    column.word_row = row;
  }
}

void finish(ColumnProfile& column, const Cells& cells) {
  column.texts = cells.texts.size();
  column.distinct = column.numbers() ? cells.numbers.size() : cells.texts.size();
  column.counts_up = column.counts_up && column.whole && cells.count > 1;
  column.low_count = cells.lows;
  column.high_count = cells.highs;
}

}  // namespace

TableProfile profile(const std::string& path, const ReadOptions& options) {
  ReadOptions keeping = options;
  keeping.keep_text = true;
  const std::unique_ptr<TableReader> reader = open_table(path, keeping);
  TableProfile table{.source = reader->name(), .columns = {}};
  for (const std::string& name : reader->header()) table.columns.push_back({.name = name});
  std::vector<Cells> cells(table.columns.size());
  reader->select({});
  TableRows rows;
  CsvRecord record;
  while (reader->read(4096, rows) > 0) {
    for (const std::string& line : rows.lines) {
      // The reader has checked the row's structure already: a line number is not needed.
      cut_record(line.data(), line.data() + line.size(), true, cells.size(), table.source, 0, record, reader->delimiter());
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string cell = record.fields[i].text();
        if (is_missing(cell)) {
          ++table.columns[i].missing;
        } else {
          add(table.columns[i], cells[i], cell, table.rows + 1);
        }
      }
      ++table.rows;
    }
  }
  if (table.rows == 0) throw core::DataError(table.source + ": expected rows of data, got a header only");
  for (std::size_t i = 0; i < cells.size(); ++i) finish(table.columns[i], cells[i]);
  return table;
}

}  // namespace flowfit::data
