// What the end of a table's name says about how it is written.
#include "data/table_format.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace flowfit::data {

TableFormat format_of(std::string_view path) {
  using Kind = TableFormat::Kind;
  using Compression = TableFormat::Compression;
  std::string name(path);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view rest = name;
  const auto cut = [&rest](std::string_view ending) {
    if (!rest.ends_with(ending)) return false;
    rest.remove_suffix(ending.size());
    return true;
  };
  TableFormat format;
  if (cut(".gz"))
    format.compression = Compression::gzip;
  else if (cut(".zst"))
    format.compression = Compression::zstd;
  if (cut(".tsv"))
    format.kind = Kind::tsv;
  else if (cut(".jsonl"))
    format.kind = Kind::jsonl;
  else if (cut(".npy"))
    format.kind = Kind::npy;
  return format;
}

}  // namespace flowfit::data
