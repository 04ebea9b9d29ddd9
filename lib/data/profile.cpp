// What the columns of a table look like.
#include "data/profile.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "data/csv_record.h"

namespace flowfit::data {
namespace {

constexpr double exact_whole = 9007199254740992.0;  // 2^53

struct Cells {
  std::vector<double> numbers;  // until the first text
  std::unordered_set<std::string> texts;
};

void add(ColumnProfile& column, Cells& cells, const std::string& cell) {
  ++column.present;
  const std::string text(trimmed(cell));
  if (cells.texts.size() < most_distinct_texts) cells.texts.insert(text);
  if (!column.text.empty()) return;
  if (const std::optional<double> number = core::parse_number(text); number && std::isfinite(*number)) {
    cells.numbers.push_back(*number);
  } else {
    column.text = text;
    cells.numbers = {};
  }
}

void describe(ColumnProfile& column, std::vector<double>& numbers) {
  const auto is_whole = [](double x) { return x == std::floor(x) && std::abs(x) <= exact_whole; };
  column.whole = std::ranges::all_of(numbers, is_whole);
  column.counts_up = column.whole && numbers.size() > 1 &&
                     std::ranges::adjacent_find(numbers, [](double a, double b) { return b != a + 1; }) == numbers.end();
  std::ranges::sort(numbers);
  column.low = numbers.front();
  column.high = numbers.back();
  const double n = static_cast<double>(numbers.size());
  column.at_low = static_cast<double>(std::ranges::upper_bound(numbers, column.low) - numbers.begin()) / n;
  column.at_high = static_cast<double>(numbers.end() - std::ranges::lower_bound(numbers, column.high)) / n;
  double mean = 0, second = 0, third = 0;
  for (const double x : numbers) mean += x / n;
  for (const double x : numbers) {
    const double d = x - mean;
    second += d * d / n;
    third += d * d * d / n;
  }
  column.skewness = second > 0 ? third / std::pow(second, 1.5) : 0;
  column.distinct = static_cast<std::size_t>(std::unique(numbers.begin(), numbers.end()) - numbers.begin());
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
          add(table.columns[i], cells[i], cell);
        }
      }
      ++table.rows;
    }
  }
  if (table.rows == 0) throw core::DataError(table.source + ": expected rows of data, got a header only");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    ColumnProfile& column = table.columns[i];
    if (column.numbers())
      describe(column, cells[i].numbers);
    else
      column.distinct = cells[i].texts.size();
  }
  return table;
}

}  // namespace flowfit::data
