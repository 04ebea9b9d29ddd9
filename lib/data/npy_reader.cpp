// The rows of a .npy array, as those of a CSV.
#include "data/npy_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/csv_record.h"

namespace flowfit::data {
namespace {

constexpr std::size_t most_columns = 1'000'000;
constexpr std::size_t most_bytes = 1 << 24;  // read at a time, when a row has not more

std::string header_bytes(Input& input) {
  std::string bytes;
  for (std::size_t wanted = 10, known = 0; bytes.size() < wanted;) {
    const std::size_t before = bytes.size();
    bytes.resize(wanted);
    const std::size_t count = input.read(bytes.data() + before, wanted - before);
    bytes.resize(before + count);
    if (count == 0) break;  // parse_npy_header says so
    if (bytes.size() < wanted || known != 0) continue;
    known = npy_header_size(bytes, input.name());
    wanted = known != 0 ? known : wanted + 2;
  }
  return bytes;
}

}  // namespace

NpyReader::NpyReader(std::unique_ptr<Input> input, const std::vector<std::vector<std::string>>& names, bool keep_text)
    : input_(std::move(input)), keep_text_(keep_text) {
  const std::optional<std::uint64_t> size = input_->size();
  in_place_ = size.has_value();
  header_ = parse_npy_header(header_bytes(*input_), name());
  const auto fail = [this](std::string_view expected, const std::string& got, std::string_view hint) {
    throw core::DataError(core::message(name(), expected, got, hint));
  };
  if (size && *size != header_.offset + header_.bytes())
    fail("expected " + std::to_string(header_.bytes()) + " bytes of numbers", std::to_string(*size - header_.offset),
         *size < header_.offset + header_.bytes() ? "is the file cut off?" : "is there something after the array?");
  if (header_.columns == 1 || header_.rows <= 1) header_.fortran_order = false;  // the same bytes
  if (header_.fortran_order && !in_place_)
    fail("expected an array in C order from a pipe or a compressed file", "Fortran order",
         "give the .npy file itself, or save np.ascontiguousarray(a)");
  if (header_.columns > most_columns) fail("expected at most 1000000 columns", std::to_string(header_.columns), "");
  const auto known = std::ranges::find(names, header_.columns, [](const auto& list) { return list.size(); });
  if (known != names.end()) {
    names_ = *known;
  } else {
    for (std::uint64_t i = 1; i <= header_.columns; ++i) names_.push_back("x" + std::to_string(i));
  }
  if (keep_text)
    for (const std::string& one : names_) header_line_ += (header_line_.empty() ? "" : ",") + csv_field(one);
}

void NpyReader::select(std::vector<std::size_t> fields, BadCell bad, std::vector<Categories> categories) {
  if (std::ranges::any_of(fields, [this](std::size_t field) { return field >= names_.size(); }))
    throw std::out_of_range("NpyReader::select: no such field");
  fields_ = std::move(fields);
  bad_ = bad;
  categories_ = std::move(categories);
}

void NpyReader::cut_off() const {
  throw core::DataError(core::message(name(), "expected " + std::to_string(header_.rows) + " rows",
                                      "the end of the file in row " + std::to_string(done_ + 1), "is it cut off?"));
}

/// The next rows of an array in C order into the buffer: as many as there are, at most `limit`, at least one.
std::size_t NpyReader::fetch(std::size_t limit) {
  const std::size_t row = header_.columns * header_.item_size;
  limit = std::clamp<std::size_t>(most_bytes / row, 1, limit);
  buffer_.resize(limit * row);
  if (in_place_) {
    input_->read_at(header_.offset + done_ * row, buffer_.data(), limit * row);
    return limit;
  }
  for (std::size_t size = 0; size < limit * row;) {
    if (size >= row && size % row == 0 && !input_->ready()) return size / row;
    const std::size_t end = input_->ready() ? limit * row : (size / row + 1) * row;
    const std::size_t count = input_->read(buffer_.data() + size, end - size);
    if (count == 0) cut_off();
    size += count;
  }
  return limit;
}

void NpyReader::load(std::size_t field, std::size_t count, std::vector<double>& to) {
  to.resize(count);
  const std::size_t item = header_.item_size;
  if (!header_.fortran_order) {
    read_npy(header_.type, buffer_.data() + field * item, header_.columns * item, to.data(), count);
    return;
  }
  buffer_.resize(count * item);
  input_->read_at(header_.offset + (field * header_.rows + done_) * item, buffer_.data(), count * item);
  read_npy(header_.type, buffer_.data(), item, to.data(), count);
}

/// Numbers → codes of their categories. What is no finite number is left to `keep`.
void NpyReader::encode(std::size_t place, std::size_t count, TableRows& rows) {
  if (categories_.empty() || categories_[place].numbers()) return;
  for (std::size_t row = 0; row < count; ++row) {
    double& value = rows.columns[place][row];
    if (!std::isfinite(value)) continue;
    const std::string text = core::number(value);
    const std::optional<std::size_t> code = categories_[place].code(text);
    if (!code && bad_ != BadCell::nan && bad_ != BadCell::skip)
      throw core::DataError(
          core::message(cell_place(row, place), "expected a category that the model knows", core::quoted(text)));
    value = code ? static_cast<double>(*code) : std::nan("");
  }
}

std::string NpyReader::cell_place(std::size_t row, std::size_t place) const {
  return name() + ": row " + std::to_string(done_ + row + 1) + ", column " + std::to_string(fields_[place] + 1) + " (" +
         names_[fields_[place]] + ")";
}

/// Whether a row of the chunk stays; throws for one that must not be there.
bool NpyReader::keep(std::size_t row, const TableRows& rows) const {
  bool whole = true;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const double value = rows.columns[i][row];
    if (std::isfinite(value)) continue;
    whole = false;
    const bool missing_may_be = bad_ == BadCell::drop_missing || bad_ == BadCell::keep_missing;
    if (bad_ == BadCell::error || (missing_may_be && !std::isnan(value)))
      throw core::DataError(
          core::message(cell_place(row, i), "expected a finite number", core::number(value), cell_hint(core::number(value))));
  }
  return whole || bad_ == BadCell::nan || bad_ == BadCell::keep_missing;
}

std::size_t NpyReader::read(std::size_t limit, TableRows& rows) {
  rows.columns.resize(fields_.size());
  rows.lines.clear();
  rows.count = 0;
  while (rows.count == 0 && done_ < header_.rows) {
    auto count = static_cast<std::size_t>(std::min<std::uint64_t>(limit, header_.rows - done_));
    if (!header_.fortran_order) count = fetch(count);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      load(fields_[i], count, rows.columns[i]);
      encode(i, count, rows);
    }
    std::vector<std::size_t> kept;
    for (std::size_t row = 0; row < count; ++row)
      if (keep(row, rows)) kept.push_back(row);
    skipped_ += count - kept.size();
    for (std::vector<double>& column : rows.columns) {
      for (std::size_t i = 0; i < kept.size(); ++i) {
        double& cell = column[i] = column[kept[i]];
        if (!std::isfinite(cell)) cell = std::nan("");
      }
      column.resize(kept.size());
    }
    if (keep_text_) {
      rows.lines.assign(kept.size(), "");
      for (std::size_t field = 0; field < names_.size(); ++field) {
        load(field, count, column_);
        for (std::size_t i = 0; i < kept.size(); ++i) {
          if (field > 0) rows.lines[i] += ',';
          core::append_number(rows.lines[i], column_[kept[i]]);
        }
      }
    }
    rows.count = kept.size();
    done_ += count;
  }
  // A file was measured when it was opened; bytes after the array of a stream come out here.
  char more = 0;
  if (done_ == header_.rows && rows.count == 0 && !in_place_ && input_->read(&more, 1) > 0)
    throw core::DataError(core::message(name(), "expected " + std::to_string(header_.rows) + " rows", "more bytes after them"));
  return rows.count;
}

}  // namespace flowfit::data
