// Any bytes as a table: rows of numbers or a DataError, the same in chunks of any size, and what is written reads back.
#include "data/csv.h"
#include "data/csv_record.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "support/fuzz.h"

namespace {

using namespace flowfit;

struct Outcome {
  std::vector<std::string> header;
  data::Columns columns;
  std::vector<std::string> lines;
  std::string error;
};

Outcome read(const std::string& path, data::BadCell bad, bool keep_text, std::size_t limit) {
  Outcome outcome;
  try {
    data::CsvReader reader(path, keep_text);
    outcome.header = reader.header();
    std::vector<std::size_t> fields(reader.header().size());
    std::iota(fields.begin(), fields.end(), std::size_t{0});
    outcome.columns.resize(fields.size());
    reader.select(fields, bad);
    data::CsvRows rows;
    while (reader.read(limit, rows) > 0) {
      fuzz::must(rows.count <= limit && rows.columns.size() == fields.size(), "as many rows and columns as were asked for");
      for (std::size_t d = 0; d < fields.size(); ++d) {
        fuzz::must(rows.columns[d].size() == rows.count, "columns of equal length");
        for (const double value : rows.columns[d])
          fuzz::must(std::isfinite(value) || (bad == data::BadCell::nan && std::isnan(value)), "finite numbers");
        outcome.columns[d].insert(outcome.columns[d].end(), rows.columns[d].begin(), rows.columns[d].end());
      }
      outcome.lines.insert(outcome.lines.end(), rows.lines.begin(), rows.lines.end());
    }
  } catch (const core::DataError& error) {
    outcome.error = error.what();
    fuzz::must(outcome.error.find('\n') == std::string::npos, "one line for an error");
  }
  return outcome;
}

/// Bit for bit: −0 is not 0, and NaN is NaN.
bool same(const data::Columns& a, const data::Columns& b) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  return std::ranges::equal(a, b, [&](const auto& x, const auto& y) { return std::ranges::equal(x, y, {}, bits, bits); });
}

/// The table as flowfit writes one.
std::string written(const Outcome& table) {
  std::string text;
  for (std::size_t d = 0; d < table.header.size(); ++d) text += (d > 0 ? "," : "") + data::csv_field(table.header[d]);
  text += '\n';
  for (std::size_t row = 0; row < table.columns.front().size(); ++row) {
    for (std::size_t d = 0; d < table.columns.size(); ++d) text += (d > 0 ? "," : "") + core::number(table.columns[d][row]);
    text += '\n';
  }
  return text;
}

}  // namespace

/// The first byte says how bad cells are met and whether lines are kept; the table follows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bad = static_cast<data::BadCell>(data[0] % 3);
  const bool keep_text = (data[0] & 4) != 0;
  const fuzz::MemoryFile file(fuzz::text(data + 1, size - 1));
  const Outcome whole = read(file.path(), bad, keep_text, 1 << 20), parts = read(file.path(), bad, keep_text, 3);
  fuzz::must(whole.error == parts.error, "the same error in chunks of any size");
  if (!whole.error.empty()) return 0;
  fuzz::must(same(whole.columns, parts.columns) && whole.lines == parts.lines, "the same rows in chunks of any size");
  if (bad == data::BadCell::nan) return 0;
  const fuzz::MemoryFile copy(written(whole));
  const Outcome again = read(copy.path(), data::BadCell::error, false, 1 << 20);
  fuzz::must(again.error.empty() && again.header == whole.header && same(again.columns, whole.columns),
             "what is written reads back");
  return 0;
}
