// gzip and zstd as streams, through zlib and libzstd.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace flowfit::data {

/// Takes compressed bytes and gives plain ones, in constant memory. One stream may follow another, as in files put together with cat.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  /// Takes bytes off the front of `in` and writes at most `size` to `to`; returns how many. Throws DataError, without a place, for damaged bytes.
  virtual std::size_t decompress(std::string_view& in, char* to, std::size_t size) = 0;
  /// Between two streams: the input may end here.
  virtual bool complete() const = 0;
  virtual std::string_view format() const = 0;  ///< for messages: gzip, zstd
};

constexpr std::size_t longest_compression_magic = 4;
/// True when `start` could go on to be the first bytes of a compressed stream.
bool may_be_compressed(std::string_view start);
/// By the first bytes of a file; null when they are not compressed.
std::unique_ptr<Decompressor> decompressor_for(std::string_view start);

class Compressor {
 public:
  virtual ~Compressor() = default;
  /// Appends what `plain` becomes to `out`; `flush`: whole, so that a reader sees all of it; `end`: and the end of the stream.
  enum class Until { later, flush, end };
  virtual void compress(std::string_view plain, std::string& out, Until until) = 0;
};

/// The same bytes each time: no name, no time, zlib's and zstd's default level.
std::unique_ptr<Compressor> gzip_compressor();
std::unique_ptr<Compressor> zstd_compressor();

}  // namespace flowfit::data
