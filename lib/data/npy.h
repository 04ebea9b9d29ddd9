// The .npy format of NumPy, versions 1.0 to 3.0: what a header says, and numbers out of the bytes after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flowfit::data {

inline constexpr std::string_view npy_magic{"\x93NUMPY", 6};
inline constexpr std::size_t longest_npy_header = 1
                                                  << 16;  ///< with all before the numbers; NumPy itself reads no more than 10,000

enum class NpyType { float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64 };

/// A table of `rows` x `columns` numbers: a 2-D array, or a 1-D array as one column.
struct NpyHeader {
  NpyType type = NpyType::float64;
  bool fortran_order = false;  ///< columns one after another, not rows
  std::uint64_t rows = 0, columns = 0;
  std::size_t offset = 0;     ///< of the first number, in the file
  std::size_t item_size = 8;  ///< bytes of a number

  std::uint64_t bytes() const { return rows * columns * item_size; }  ///< of all numbers
};

/// Bytes of a file, counted from its beginning, that hold its header: 0 when [start, end of `start`) does not say yet (10 bytes or 12 do). Throws as below.
std::size_t npy_header_size(std::string_view start, const std::string& name);

/// Reads a header from the first bytes of a file; what lies after it is not looked at. Throws DataError `name: expected …, got …; hint` for anything
/// but little-endian floats of 4 or 8 bytes and integers, one or two dimensions, at least one column, and fewer than 2^63 bytes in all.
NpyHeader parse_npy_header(std::string_view bytes, const std::string& name);

/// `count` numbers of `from`, `stride` bytes apart, as doubles: integers beyond 2^53 are rounded, as a CSV's are.
void read_npy(NpyType type, const char* from, std::size_t stride, double* to, std::size_t count);

/// The header of a C-order array of float64: always 128 bytes, so that it can be written anew when the rows are counted. `columns` 0: one dimension.
std::string npy_header(std::uint64_t rows, std::uint64_t columns);

}  // namespace flowfit::data
