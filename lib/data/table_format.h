// What the end of a table's name says about how it is written.
#pragma once

#include <string_view>

namespace flowfit::data {

struct TableFormat {
  enum class Kind { csv, tsv, jsonl, npy } kind = Kind::csv;
  enum class Compression { none, gzip, zstd } compression = Compression::none;

  char delimiter() const { return kind == Kind::tsv ? '\t' : ','; }
  bool operator==(const TableFormat&) const = default;
};

/// `.csv`, `.tsv`, `.jsonl` or `.npy`, then `.gz` or `.zst` or neither, in small or capital letters. Any other name is a CSV, "-" too.
TableFormat format_of(std::string_view path);

}  // namespace flowfit::data
