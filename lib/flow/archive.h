// The model file's container: safetensors with a checksum, read strictly.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowfit::flow {

/// A tensor of a safetensors file: dtype "F32" or "F64", shape in C order, little-endian bytes.
struct Tensor {
  std::string name, dtype;
  std::vector<std::size_t> shape;
  std::string bytes;
  std::size_t size() const;
};

/// u64 little-endian header length, JSON header padded with blanks to 8 bytes, tensors one after the other. `metadata` is `__metadata__`.
struct Archive {
  std::map<std::string, std::string> metadata;
  std::vector<Tensor> tensors;

  const Tensor* find(std::string_view name) const;
};

/// The file's bytes. Adds metadata `checksum`: the CRC-32 (zlib) of the whole file in 8 hex digits, computed with those digits as zeros.
std::string write_archive(const Archive& archive);

/// Parses bytes. `where` (the path) begins each message. Throws core::ModelError for anything that is not exactly such a file: too short, header
/// length beyond the file or 100 MB, bad JSON, duplicate keys, unknown dtypes, shapes that overflow or do not fit their range, holes, overlaps, trailing
/// bytes, a checksum that is missing, malformed or wrong (`none` is accepted: a file made by a script).
Archive read_archive(std::string_view bytes, const std::string& where);

template <class T>
Tensor make_tensor(std::string name, std::vector<std::size_t> shape, std::span<const T> values);
/// The values of a tensor of either dtype, as T. Throws ModelError for a non-finite one.
template <class T>
std::vector<T> tensor_values(const Tensor& tensor, const std::string& where);

}  // namespace flowfit::flow
