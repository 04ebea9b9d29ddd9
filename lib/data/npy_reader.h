// The rows of a .npy array, as those of a CSV.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/npy.h"
#include "data/table_reader.h"

namespace flowfit::data {

/// Reads in constant memory: a file where it stands, in either order; what comes through a pipe or a decompressor row by row, so that columns one after
/// another (Fortran order) are refused there. The bytes must be as many as the header says. DataError for a cell that is not finite
/// (`x.npy: row 7, column 2 (x2): expected …`, from 1) and for what `parse_npy_header` refuses.
class NpyReader final : public TableReader {
 public:
  /// `names`, `keep_text`: see ReadOptions; a row's text is its numbers with commas between them.
  NpyReader(std::unique_ptr<Input> input, const std::vector<std::vector<std::string>>& names, bool keep_text);

  const std::string& name() const override { return input_->name(); }
  const std::vector<std::string>& header() const override { return names_; }
  const std::string& header_line() const override { return header_line_; }
  std::size_t skipped() const override { return skipped_; }
  std::optional<std::uint64_t> rows_in_place() const override { return in_place_ ? std::optional(header_.rows) : std::nullopt; }
  /// A category is the text of its number: 3, 0.5.
  void select(std::vector<std::size_t> fields, BadCell bad = BadCell::error, std::vector<Categories> categories = {}) override;
  const std::vector<Categories>& categories() const override { return categories_; }
  std::size_t read(std::size_t limit, TableRows& rows) override;

 private:
  std::size_t fetch(std::size_t limit);
  void load(std::size_t field, std::size_t count, std::vector<double>& to);
  std::string cell_place(std::size_t row, std::size_t place) const;
  void encode(std::size_t place, std::size_t count, TableRows& rows);
  bool keep(std::size_t row, const TableRows& rows) const;
  [[noreturn]] void cut_off() const;

  std::unique_ptr<Input> input_;
  NpyHeader header_;
  bool in_place_ = false;  // a regular file
  bool keep_text_;
  std::vector<std::string> names_;
  std::string header_line_;
  std::vector<std::size_t> fields_;
  std::vector<Categories> categories_;  // none, or one a field
  BadCell bad_ = BadCell::error;
  std::size_t skipped_ = 0;
  std::uint64_t done_ = 0;    // rows given or left out so far
  std::vector<char> buffer_;  // C order: rows; Fortran order: a part of one column
  std::vector<double> column_;
};

}  // namespace flowfit::data
