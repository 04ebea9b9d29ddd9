// What stands before the numbers of a .npy.
#pragma once

#include <string>
#include <string_view>

#include "data/npy.h"

namespace flowfit::test {

/// The bytes from the first one to the numbers, whatever `literal` says.
inline std::string header(std::string_view literal, int version = 1) {
  std::string text(literal);
  const std::size_t prefix = version == 1 ? 10 : 12;
  text.resize((prefix + text.size() + 64) / 64 * 64 - prefix - 1, ' ');
  text += '\n';
  std::string bytes(data::npy_magic);
  bytes += {static_cast<char>(version), '\0'};
  for (std::size_t i = 0; i < prefix - 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xFF);
  return bytes + text;
}

inline std::string literal(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

}  // namespace flowfit::test
