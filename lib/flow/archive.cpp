// Reading and writing safetensors.
#include "flow/archive.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/error.h"
#include "core/text.h"

namespace flowfit::flow {
namespace {

using config::Json;
static_assert(std::endian::native == std::endian::little, "tensors are little-endian; add byte swaps for this machine");

constexpr std::size_t longest_header = 100 << 20;
constexpr std::string_view blank_checksum = "00000000";

std::size_t width(std::string_view dtype) { return dtype == "F32" ? 4 : dtype == "F64" ? 8 : 0; }

// CRC-32 with the 8 digits at `hole` taken as zeros.
std::string checksum(std::string_view bytes, std::size_t hole) {
  const auto part = [](uLong crc, std::string_view piece) {
    return crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  };
  uLong crc = part(crc32_z(0, nullptr, 0), bytes.substr(0, hole));
  crc = part(part(crc, blank_checksum), bytes.substr(hole + blank_checksum.size()));
  char text[9];
  std::snprintf(text, sizeof text, "%08lx", crc);
  return text;
}

// Where the value of "checksum" begins in the header's text. A config inside the metadata cannot be taken for it: its quotes are escaped.
std::size_t checksum_place(std::string_view header) {
  constexpr std::string_view key = "\"checksum\"";
  for (std::size_t at = header.find(key); at != std::string_view::npos; at = header.find(key, at + 1)) {
    std::size_t value = header.find_first_not_of(" \t\r\n", at + key.size());
    if (value == std::string_view::npos || header[value] != ':') continue;
    value = header.find_first_not_of(" \t\r\n", value + 1);
    if (value != std::string_view::npos && header[value] == '"') return value + 1;
  }
  return std::string_view::npos;
}

[[noreturn]] void fail(const std::string& where, const std::string& text) { throw core::ModelError(where + ": " + text); }

void verify_checksum(const Archive& archive, std::string_view bytes, std::string_view header, const std::string& where) {
  const auto found = archive.metadata.find("checksum");
  if (found == archive.metadata.end()) fail(where, R"(no "checksum" in its metadata; write "none" when a script makes the file)");
  const std::string& text = found->second;
  if (text == "none") return;
  const bool hex = text.size() == 8 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  const std::size_t place = checksum_place(header);
  if (!hex || place == std::string_view::npos || header.substr(place, 8) != text)
    fail(where, R"(checksum: expected 8 hex digits or "none", got )" + core::quoted(text));
  const std::string actual = checksum(bytes, 8 + place);
  if (actual != text)
    fail(where, "checksum: the file says " + text + ", its bytes give " + actual + "; it is damaged, take another copy");
}

std::size_t count(const Json& json, const std::string& where, const std::string& what) {
  if (!json.is_number_unsigned()) fail(where, what + ": expected whole numbers of at least 0");
  return json.get<std::size_t>();
}

Tensor read_tensor(const std::string& name, const Json& json, std::size_t& begin, std::size_t& end, const std::string& where) {
  const std::string what = "tensor " + core::quoted(name);
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets"))
    fail(where, what + ": expected exactly dtype, shape and data_offsets");
  if (!json["dtype"].is_string() || width(json["dtype"].get<std::string>()) == 0)
    fail(where, what + ": expected dtype F32 or F64, got " + json["dtype"].dump());
  if (!json["shape"].is_array() || json["shape"].size() > 8 || !json["data_offsets"].is_array() ||
      json["data_offsets"].size() != 2)
    fail(where, what + ": malformed shape or data_offsets");
  Tensor tensor{name, json["dtype"].get<std::string>(), {}, {}};
  std::size_t bytes = width(tensor.dtype);
  for (const Json& n : json["shape"]) {
    tensor.shape.push_back(count(n, where, what + " shape"));
    if (__builtin_mul_overflow(bytes, tensor.shape.back(), &bytes)) fail(where, what + ": its shape overflows");
  }
  begin = count(json["data_offsets"][0], where, what + " data_offsets");
  end = count(json["data_offsets"][1], where, what + " data_offsets");
  if (end < begin || end - begin != bytes)
    fail(where, what + ": its shape needs " + std::to_string(bytes) + " bytes, its data_offsets do not give them");
  return tensor;
}

}  // namespace

std::size_t Tensor::size() const {
  std::size_t n = 1;
  for (const std::size_t s : shape) n *= s;
  return n;
}

const Tensor* Archive::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &Tensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

std::string write_archive(const Archive& archive) {
  Json header = Json::object();
  Json& metadata = header["__metadata__"] = Json::object();
  for (const auto& [key, value] : archive.metadata) metadata[key] = value;
  metadata["checksum"] = std::string(blank_checksum);
  std::size_t offset = 0;
  for (const Tensor& t : archive.tensors) {
    header[t.name] = Json{{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {offset, offset + t.bytes.size()}}};
    offset += t.bytes.size();
  }
  std::string text = config::print_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  bytes += text;
  for (const Tensor& t : archive.tensors) bytes += t.bytes;
  const std::size_t place = 8 + checksum_place(text);
  bytes.replace(place, blank_checksum.size(), checksum(bytes, place));
  return bytes;
}

Archive read_archive(std::string_view bytes, const std::string& where) {
  if (bytes.size() < 8) fail(where, "not a model file: shorter than 8 bytes");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8 || length > longest_header || length < 2 || bytes[8] != '{')
    fail(where,
         "not a model file: expected a safetensors header; a model is a run folder or a .safetensors file that flowfit wrote");
  const std::string_view header = bytes.substr(8, length), data = bytes.substr(8 + length);
  Json json;
  try {
    json = config::parse_json(header, "header");
  } catch (const core::ConfigError& error) {
    fail(where, error.what());
  }
  Archive archive;
  struct Range {
    std::size_t begin, end, tensor;
  };
  std::vector<Range> ranges;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) fail(where, "__metadata__: expected an object of strings");
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) fail(where, "__metadata__: expected strings, got another value at " + core::quoted(key));
        archive.metadata[key] = text.get<std::string>();
      }
      continue;
    }
    Range range{0, 0, archive.tensors.size()};
    archive.tensors.push_back(read_tensor(name, value, range.begin, range.end, where));
    if (range.end > data.size())
      fail(where, "tensor " + core::quoted(name) + " ends beyond the file; it is cut short, take another copy");
    ranges.push_back(range);
  }
  std::ranges::sort(ranges, {}, [](const Range& r) { return std::pair(r.begin, r.end); });
  std::size_t at = 0;
  for (const Range& r : ranges) {
    if (r.begin != at)
      fail(where,
           "tensor " + core::quoted(archive.tensors[r.tensor].name) + (r.begin < at ? " overlaps another" : " follows a hole"));
    at = r.end;
  }
  if (at != data.size()) fail(where, std::to_string(data.size() - at) + " bytes after the last tensor");
  verify_checksum(archive, bytes, header, where);
  for (const Range& r : ranges) archive.tensors[r.tensor].bytes = std::string(data.substr(r.begin, r.end - r.begin));
  return archive;
}

template <class T>
Tensor make_tensor(std::string name, std::vector<std::size_t> shape, std::span<const T> values) {
  Tensor tensor{std::move(name), sizeof(T) == 4 ? "F32" : "F64", std::move(shape), std::string(values.size_bytes(), '\0')};
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
  return tensor;
}

template <class T>
std::vector<T> tensor_values(const Tensor& tensor, const std::string& where) {
  std::vector<T> values(tensor.size());
  const auto read = [&](auto kind) {
    using Stored = decltype(kind);
    for (std::size_t i = 0; i < values.size(); ++i) {
      Stored v;
      std::memcpy(&v, tensor.bytes.data() + i * sizeof(Stored), sizeof(Stored));
      values[i] = static_cast<T>(v);
      if (!std::isfinite(values[i]))
        fail(where, "tensor " + core::quoted(tensor.name) + ": entry " + std::to_string(i) + " is not a finite number");
    }
  };
  if (tensor.dtype == "F32")
    read(float{});
  else
    read(double{});
  return values;
}

template Tensor make_tensor<float>(std::string, std::vector<std::size_t>, std::span<const float>);
template Tensor make_tensor<double>(std::string, std::vector<std::size_t>, std::span<const double>);
template std::vector<float> tensor_values<float>(const Tensor&, const std::string&);
template std::vector<double> tensor_values<double>(const Tensor&, const std::string&);

}  // namespace flowfit::flow
