// The .npy format of NumPy, versions 1.0 to 3.0: what a header says, and numbers out of the bytes after it.
#include "data/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::data {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are taken from the file as they are");

constexpr std::size_t short_prefix = 10, long_prefix = 12;  // magic, version, length in 2 or 4 bytes

[[noreturn]] void fail(const std::string& name, std::string_view expected, std::string_view got, std::string_view hint = "") {
  throw core::DataError(core::message(name, expected, got, hint));
}

/// The Python literal of a header: a dictionary of a text, a truth value and a tuple of whole numbers.
class Literal {
 public:
  Literal(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool take(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!take(c)) malformed();
  }
  bool next_is(char c) {
    blanks();
    return at_ < text_.size() && text_[at_] == c;
  }
  std::string_view quoted() {
    blanks();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) malformed();
    const char quote = text_[at_++];
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) malformed();
    const std::string_view inside = text_.substr(at_, end - at_);
    at_ = end + 1;
    return inside;
  }
  bool truth() {
    blanks();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    malformed();
  }
  std::uint64_t whole() {
    blanks();
    std::uint64_t value = 0;
    const auto result = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (result.ec != std::errc()) malformed();
    at_ = static_cast<std::size_t>(result.ptr - text_.data());
    return value;
  }
  void end() {
    blanks();
    if (at_ != text_.size()) malformed();
  }
  [[noreturn]] void malformed() const {
    fail(name_, "expected a header such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }",
         core::quoted(text_.substr(0, text_.find_last_not_of(" \n") + 1)), "is the .npy file damaged?");
  }

 private:
  void blanks() { at_ = std::min(text_.find_first_not_of(" \n", at_), text_.size()); }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

struct Described {
  std::string_view descr;
  NpyType type;
  std::size_t size;
};
constexpr std::array<Described, 12> types = {{{"<f4", NpyType::float32, 4},
                                              {"<f8", NpyType::float64, 8},
                                              {"|i1", NpyType::int8, 1},
                                              {"<i1", NpyType::int8, 1},
                                              {"<i2", NpyType::int16, 2},
                                              {"<i4", NpyType::int32, 4},
                                              {"<i8", NpyType::int64, 8},
                                              {"|u1", NpyType::uint8, 1},
                                              {"<u1", NpyType::uint8, 1},
                                              {"<u2", NpyType::uint16, 2},
                                              {"<u4", NpyType::uint32, 4},
                                              {"<u8", NpyType::uint64, 8}}};

template <class T>
void convert(const char* from, std::size_t stride, double* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, from += stride) {
    T value;
    std::memcpy(&value, from, sizeof value);
    to[i] = static_cast<double>(value);
  }
}

std::string tuple(const std::vector<std::uint64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

std::size_t npy_header_size(std::string_view start, const std::string& name) {
  if (start.size() < short_prefix) return 0;
  const auto byte = [start](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(start[i])); };
  const std::size_t major = byte(npy_magic.size()), minor = byte(npy_magic.size() + 1);
  if (major < 1 || major > 3 || minor != 0)
    fail(name, "expected a .npy file of version 1.0, 2.0 or 3.0", std::to_string(major) + "." + std::to_string(minor));
  std::size_t size = short_prefix + byte(8) + (byte(9) << 8);
  if (major > 1) {
    if (start.size() < long_prefix) return 0;
    size = long_prefix + byte(8) + (byte(9) << 8) + (byte(10) << 16) + (byte(11) << 24);
  }
  if (size > longest_npy_header)
    fail(name, "expected a .npy header of at most " + std::to_string(longest_npy_header) + " bytes", std::to_string(size),
         "is the .npy file damaged?");
  return size;
}

NpyHeader parse_npy_header(std::string_view bytes, const std::string& name) {
  if (!bytes.starts_with(npy_magic)) fail(name, "expected a .npy file", "other bytes");
  const std::size_t size = npy_header_size(bytes, name);
  if (size == 0 || size > bytes.size()) fail(name, "expected a whole .npy header", "the end of the file", "is the file cut off?");
  const std::size_t prefix = bytes[npy_magic.size()] == 1 ? short_prefix : long_prefix;

  Literal literal(bytes.substr(prefix, size - prefix), name);
  std::optional<std::string_view> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
  literal.need('{');
  while (!literal.take('}')) {
    const std::string_view key = literal.quoted();
    literal.need(':');
    if (key == "descr" && !descr) {
      if (literal.next_is('['))
        fail(name, "expected an array of numbers", "a structured array", "save its fields as the columns of a plain 2-D array");
      descr = literal.quoted();
    } else if (key == "fortran_order" && !fortran_order) {
      fortran_order = literal.truth();
    } else if (key == "shape" && !shape) {
      shape.emplace();
      literal.need('(');
      while (!literal.take(')')) {
        shape->push_back(literal.whole());
        if (!literal.take(',') && !literal.next_is(')')) literal.malformed();
      }
    } else {
      literal.malformed();
    }
    if (!literal.take(',') && !literal.next_is('}')) literal.malformed();
  }
  literal.end();
  if (!descr || !fortran_order || !shape) literal.malformed();

  const auto* const described = std::ranges::find(types, *descr, &Described::descr);
  if (described == types.end())
    fail(name, "expected little-endian numbers of type f4, f8, i1 to i8 or u1 to u8", core::quoted(*descr),
         "convert them first, in Python for example with a.astype('<f8')");
  if (shape->empty() || shape->size() > 2)
    fail(name, "expected an array of one or two dimensions", "shape " + tuple(*shape), "save rows x columns");
  NpyHeader header{described->type, *fortran_order, shape->front(), shape->size() == 2 ? shape->back() : 1, size,
                   described->size};
  constexpr std::uint64_t most = std::uint64_t{1} << 63;
  if (header.columns == 0) fail(name, "expected at least one column", "shape " + tuple(*shape));
  if (header.rows > 0 && header.columns > (most - 1) / header.item_size / header.rows)
    fail(name, "expected fewer than 2^63 bytes", "shape " + tuple(*shape), "is the .npy file damaged?");
  return header;
}

void read_npy(NpyType type, const char* from, std::size_t stride, double* to, std::size_t count) {
  switch (type) {
    case NpyType::float32:
      return convert<float>(from, stride, to, count);
    case NpyType::float64:
      return convert<double>(from, stride, to, count);
    case NpyType::int8:
      return convert<std::int8_t>(from, stride, to, count);
    case NpyType::int16:
      return convert<std::int16_t>(from, stride, to, count);
    case NpyType::int32:
      return convert<std::int32_t>(from, stride, to, count);
    case NpyType::int64:
      return convert<std::int64_t>(from, stride, to, count);
    case NpyType::uint8:
      return convert<std::uint8_t>(from, stride, to, count);
    case NpyType::uint16:
      return convert<std::uint16_t>(from, stride, to, count);
    case NpyType::uint32:
      return convert<std::uint32_t>(from, stride, to, count);
    case NpyType::uint64:
      return convert<std::uint64_t>(from, stride, to, count);
  }
}

std::string npy_header(std::uint64_t rows, std::uint64_t columns) {
  constexpr std::size_t size = 128;
  std::string text(npy_magic);
  text += {'\x01', '\x00', static_cast<char>(size - short_prefix), '\x00'};
  text += "{'descr': '<f8', 'fortran_order': False, 'shape': " +
          tuple(columns == 0 ? std::vector<std::uint64_t>{rows} : std::vector<std::uint64_t>{rows, columns}) + ", }";
  text.resize(size - 1, ' ');
  return text + '\n';
}

}  // namespace flowfit::data
