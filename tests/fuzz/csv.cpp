// Any bytes as a table: rows of numbers or a DataError, the same in chunks of any size, and what is written reads back.
#include "data/csv.h"

#include <memory>
#include <string>

#include "core/text.h"
#include "data/csv_record.h"
#include "support/table.h"

namespace {

using namespace flowfit;

fuzz::Outcome read(const std::string& path, data::BadCell bad, bool keep_text, std::size_t limit) {
  return fuzz::read([&] { return std::make_unique<data::CsvReader>(path, keep_text); }, bad, limit);
}

/// The table as flowfit writes one.
std::string written(const fuzz::Outcome& table) {
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
  const fuzz::Outcome whole = read(file.path(), bad, keep_text, 1 << 20), parts = read(file.path(), bad, keep_text, 3);
  fuzz::must(whole.error == parts.error, "the same error in chunks of any size");
  if (!whole.error.empty()) return 0;
  fuzz::must(fuzz::same(whole.columns, parts.columns) && whole.lines == parts.lines, "the same rows in chunks of any size");
  if (bad == data::BadCell::nan) return 0;
  const fuzz::MemoryFile copy(written(whole));
  const fuzz::Outcome again = read(copy.path(), data::BadCell::error, false, 1 << 20);
  fuzz::must(again.error.empty() && again.header == whole.header && fuzz::same(again.columns, whole.columns),
             "what is written reads back");
  return 0;
}
