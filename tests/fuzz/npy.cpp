// Any bytes as an array: rows of numbers or a DataError, the same in chunks of any size, from a file and from a pipe, and as text.
#include "data/npy.h"

#include <memory>
#include <string>

#include "core/text.h"
#include "data/csv_record.h"
#include "data/npy_reader.h"
#include "support/table.h"

namespace {

using namespace flowfit;

fuzz::Outcome read(const std::string& path, data::BadCell bad, bool keep_text, std::size_t limit) {
  return fuzz::read(
      [&] {
        return std::make_unique<data::NpyReader>(std::make_unique<data::Input>(path), std::vector<std::vector<std::string>>{},
                                                 keep_text);
      },
      bad, limit);
}

// Without the name that the message begins with: a file's and a pipe's differ.
std::string reason(const std::string& error) { return error.substr(error.find(": ")); }

}  // namespace

/// The first byte says how bad cells are met and whether the rows' text is kept; the array follows, at most as much as a pipe holds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > fuzz::Pipe::capacity) return 0;
  const auto bad = static_cast<data::BadCell>(data[0] % 3);
  const bool keep_text = (data[0] & 4) != 0;
  const std::string_view bytes = fuzz::text(data + 1, size - 1);
  const fuzz::MemoryFile file(bytes);
  const fuzz::Outcome whole = read(file.path(), bad, keep_text, 1 << 20), parts = read(file.path(), bad, keep_text, 3);
  fuzz::must(whole.error == parts.error, "the same error in chunks of any size");
  const fuzz::Pipe pipe(bytes);
  const fuzz::Outcome piped = read(pipe.path(), bad, keep_text, 5);
  if (!whole.error.empty()) {
    fuzz::must(!piped.error.empty(), "what a file is refused for, a pipe is too");
    return 0;
  }
  fuzz::must(fuzz::same(whole.columns, parts.columns) && whole.lines == parts.lines, "the same rows in chunks of any size");
  if (piped.error.empty())
    fuzz::must(fuzz::same(whole.columns, piped.columns) && whole.lines == piped.lines, "the same rows from a pipe");
  else
    fuzz::must(reason(piped.error).find("Fortran order") != std::string::npos, "a pipe refuses no more than Fortran order");
  for (std::size_t row = 0; row < whole.lines.size(); ++row) {
    std::string line;
    for (const auto& column : whole.columns) {
      if (&column != &whole.columns.front()) line += ',';
      core::append_number(line, column[row]);
    }
    fuzz::must(bad == data::BadCell::nan || whole.lines[row] == line, "a row's text is its numbers");
  }
  return 0;
}
