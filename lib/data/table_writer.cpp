// A table on its way out: CSV, TSV, JSON lines or .npy, plain or compressed, by the name of the file.
#include "data/table_writer.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "config/json.h"
#include "core/error.h"
#include "core/text.h"
#include "data/csv_record.h"
#include "data/npy.h"

namespace flowfit::data {
namespace {

using Kind = TableFormat::Kind;
using Until = Compressor::Until;

constexpr double exact = 0x1p53;  // whole numbers below it have no other double between them

std::unique_ptr<Compressor> compressor_for(TableFormat::Compression compression) {
  switch (compression) {
    case TableFormat::Compression::gzip:
      return gzip_compressor();
    case TableFormat::Compression::zstd:
      return zstd_compressor();
    case TableFormat::Compression::none:
      break;
  }
  return nullptr;
}

TableFormat checked_format(const std::string& path, bool lines) {
  const TableFormat format = format_of(path);
  if (lines && (format.kind == Kind::npy || format.kind == Kind::jsonl))
    throw core::ConfigError(core::message(path, "expected a .csv or .tsv file for rows that are kept as they are written", ""));
  if (format.kind == Kind::npy && format.compression != TableFormat::Compression::none)
    throw core::ConfigError(core::message(path, "expected a .npy file that is not compressed", "",
                                          "its header counts the rows when they are written"));
  return format;
}

/// The cell of a category: a field of text, a JSON string, or for .npy the number that its text is.
std::vector<std::string> category_cells(const Heading& heading, const TableFormat& format, char delimiter,
                                        const std::string& path) {
  std::vector<std::string> cells;
  for (const std::string& text : heading.categories) {
    if (format.kind == Kind::npy) {
      const std::optional<double> number = core::parse_number(text);
      if (!number)
        throw core::ConfigError(
            core::message(path, "expected a format that holds text for the categories of column " + core::quoted(heading.name),
                          ".npy", "write a .csv"));
      cells.emplace_back(reinterpret_cast<const char*>(&*number), sizeof *number);
    } else {
      cells.push_back(format.kind == Kind::jsonl ? config::print_json(config::Json(text)) : csv_field(text, delimiter));
    }
  }
  return cells;
}

std::uint64_t npy_columns(const std::vector<Heading>& headings) { return headings.size() == 1 ? 0 : headings.size(); }

}  // namespace

TableWriter::TableWriter(const std::string& path, std::vector<Heading> headings, core::ThreadPool& pool)
    : format_(checked_format(path, false)),
      delimiter_(format_.delimiter()),
      headings_(std::move(headings)),
      pool_(pool),
      out_(path),
      compressor_(compressor_for(format_.compression)) {
  find_cells(path);
  std::string text;
  if (format_.kind == Kind::npy) {
    text = npy_header(0, npy_columns(headings_));
  } else if (format_.kind == Kind::jsonl) {
    for (const Heading& heading : headings_)
      keys_.push_back((keys_.empty() ? "{" : ",") + config::print_json(config::Json(heading.name)) + ":");
  } else {
    for (const Heading& heading : headings_) {
      if (!text.empty()) text += delimiter_;
      text += csv_field(heading.name, delimiter_);
    }
    text += '\n';
  }
  send(text, Until::later);
}

TableWriter::TableWriter(const std::string& path, const std::string& header_line, char delimiter, std::vector<Heading> headings,
                         core::ThreadPool& pool)
    : format_(checked_format(path, true)),
      delimiter_(delimiter),
      headings_(std::move(headings)),
      pool_(pool),
      out_(path),
      compressor_(compressor_for(format_.compression)) {
  find_cells(path);
  std::string text = header_line;
  for (const Heading& heading : headings_) text += delimiter_ + csv_field(heading.name, delimiter_);
  send(text + '\n', Until::later);
}

void TableWriter::find_cells(const std::string& path) {
  for (const Heading& heading : headings_) cells_.push_back(category_cells(heading, format_, delimiter_, path));
}

void TableWriter::append_row(std::string& text, std::size_t row) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const double value = (*columns_[i])[row];
    if (format_.kind == Kind::jsonl)
      text += keys_[i];
    else if (i > 0 && format_.kind != Kind::npy)
      text += delimiter_;
    if (!cells_[i].empty())
      text += cells_[i][static_cast<std::size_t>(value)];
    else if (format_.kind == Kind::npy)
      text.append(reinterpret_cast<const char*>(&value), sizeof value);
    else if (headings_[i].whole && std::trunc(value) == value && std::abs(value) < exact)
      text += std::to_string(static_cast<std::int64_t>(value));
    else if (format_.kind == Kind::jsonl && !std::isfinite(value))
      text += "null";
    else
      core::append_number(text, value);
  }
  if (format_.kind != Kind::npy) text += format_.kind == Kind::jsonl ? "}\n" : "\n";
}

void TableWriter::write(std::initializer_list<const Columns*> parts, std::size_t count, std::span<const std::string> lines) {
  columns_.clear();
  for (const Columns* part : parts)
    for (const std::vector<double>& column : *part) columns_.push_back(&column);
  if (columns_.size() != headings_.size()) throw std::logic_error("TableWriter: as many columns as headings");
  constexpr std::size_t piece = 1024;
  const std::size_t pieces = (count + piece - 1) / piece;
  texts_.resize(std::max(texts_.size(), pieces));
  pool_.run(static_cast<int>(pieces), [&](int number, int) {
    std::string& text = texts_[static_cast<std::size_t>(number)];
    text.clear();
    const std::size_t first = static_cast<std::size_t>(number) * piece;
    for (std::size_t row = first; row < std::min(first + piece, count); ++row) {
      if (!lines.empty()) {
        text += lines[row];
        text += delimiter_;
      }
      append_row(text, row);
    }
  });
  for (std::size_t number = 0; number < pieces; ++number) send(texts_[number], Until::later);
  rows_ += count;
}

void TableWriter::send(std::string_view text, Until until) {
  if (compressor_)
    compressor_->compress(text, out_.buffer(), until);
  else
    out_.buffer() += text;
  out_.flush_if_full();
}

void TableWriter::flush() {
  send({}, Until::flush);
  out_.flush();
}

void TableWriter::close() {
  send({}, Until::end);
  if (format_.kind == Kind::npy) {
    out_.flush();
    out_.overwrite(0, npy_header(rows_, npy_columns(headings_)));
  }
  out_.close();
}

}  // namespace flowfit::data
