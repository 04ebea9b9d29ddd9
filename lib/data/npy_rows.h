// Rows of a .npy file by their numbers: the array stays in its file, mapped into memory page by page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/npy.h"

namespace flowfit::data {

/// Reads any rows of an array that is larger than memory. Reading a page that is no longer in the file (it was cut off meanwhile, or its disk fails) ends the
/// process by SIGBUS: whoever reads should have a handler that says so.
class NpyRows {
 public:
  /// Maps the file at `path`, not compressed. `fields`: the columns to read; `texts`: of the categories of each, none for a column of numbers.
  /// Throws IoError where the system fails, DataError as `parse_npy_header` does and for a file of another size than its header says.
  NpyRows(const std::string& path, std::vector<std::size_t> fields, const std::vector<std::vector<std::string>>& texts);

  std::size_t rows() const { return static_cast<std::size_t>(header_.rows); }
  /// Asks the system for the pages of these rows, so that they come side by side and not one after the other.
  void prepare(std::span<const std::uint32_t> rows) const;
  /// The numbers of one of the fields in these rows, or the codes of its categories; NaN for a category that is none of them.
  void read(std::size_t field, std::span<const std::uint32_t> rows, double* to) const;

 private:
  std::string name_;
  NpyHeader header_;
  struct Unmap {
    std::size_t size;
    void operator()(const char* bytes) const;
  };
  std::unique_ptr<const char, Unmap> bytes_{};  // of the whole file
  std::vector<std::size_t> fields_;
  std::vector<std::vector<std::pair<double, double>>> codes_;  // of each field: number and code, by the number
};

}  // namespace flowfit::data
