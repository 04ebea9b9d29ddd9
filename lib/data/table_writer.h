// A table on its way out: CSV, TSV, JSON lines or .npy, plain or compressed, by the name of the file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"
#include "core/parallel.h"
#include "data/compression.h"
#include "data/table_format.h"
#include "data/table_reader.h"

namespace flowfit::data {

/// The heading of a column to write.
struct Heading {
  std::string name;
  bool whole = false;  ///< whole numbers (below 2^53) are written digit by digit: 10000000000000000, not 1e+16
  std::vector<std::string> categories = {};  ///< its numbers are codes of these texts, which are written for them
};

/// Numbers are written in the fewest digits that read back as the same double; JSON lines have null where a number is not finite, and .npy holds
/// float64 in C order, without names (a single column: one dimension). The bytes do not depend on the pool or on how rows are cut into calls, but
/// for those of a compressed file that is flushed.
class TableWriter {
 public:
  /// Opens `path` ("-": CSV on standard output) and writes the header. ConfigError for a compressed .npy and for categories in one that are no numbers, IoError.
  TableWriter(const std::string& path, std::vector<Heading> headings, core::ThreadPool& pool);

  /// Rows of which each begins with text that is written as it is, with `delimiter` behind it: the cells of other columns, whose names `header_line` holds.
  /// ConfigError when the format of `path` is not made of such lines.
  TableWriter(const std::string& path, const std::string& header_line, char delimiter, std::vector<Heading> headings,
              core::ThreadPool& pool);

  /// Appends `count` rows: one vector a heading, in all of `parts` together. `lines`: what the rows begin with, for the second constructor.
  void write(std::initializer_list<const Columns*> parts, std::size_t count, std::span<const std::string> lines = {});
  void flush();  ///< hands all rows so far to the system
  void close();  ///< the file appears under its name; call exactly once, on success

 private:
  void find_cells(const std::string& path);
  void append_row(std::string& text, std::size_t row) const;
  void send(std::string_view text, Compressor::Until until);

  TableFormat format_;
  char delimiter_;
  std::vector<Heading> headings_;
  std::vector<std::string> keys_;                // JSON lines: what stands before each number
  std::vector<std::vector<std::string>> cells_;  // of each heading's categories, as they are written
  core::ThreadPool& pool_;
  core::Output out_;
  std::unique_ptr<Compressor> compressor_;
  std::uint64_t rows_ = 0;
  std::vector<const std::vector<double>*> columns_;  // of the chunk being written
  std::vector<std::string> texts_;                   // of its pieces
};

}  // namespace flowfit::data
