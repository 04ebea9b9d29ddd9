// The bytes of a file or of standard input, decompressed on the way when they are gzip or zstd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/compression.h"

namespace flowfit::data {

/// Compression is known by the first bytes, not by the name. IoError where the system fails, DataError for compressed bytes that are damaged or cut
/// off (`x.csv.gz: expected the rest of the gzip stream, got the end of the file; is it cut off?`).
class Input {
 public:
  explicit Input(const std::string& path);  ///< "-" is stdin
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& name() const { return name_; }  ///< for messages: the path, or `stdin`
  /// The first bytes, which stay to be read: `count` of them, or those up to a line's end or the end. Before the first `read` alone.
  std::string_view peek(std::size_t count);
  /// Waits for bytes, at most `size`, and returns their number: 0 only at the end.
  std::size_t read(char* to, std::size_t size);
  /// True when `read` would not have to wait.
  bool ready() const;

  /// Bytes in all, of a regular file that is not compressed and begins where the descriptor stands; else nothing.
  std::optional<std::uint64_t> size() const;
  /// Exactly `size` bytes from `offset` on; only where `size()` is known.
  void read_at(std::uint64_t offset, char* to, std::size_t size) const;

 private:
  std::size_t read_raw(char* to, std::size_t size);
  std::size_t read_plain(char* to, std::size_t size);
  void start();

  std::string name_;
  int descriptor_ = -1;
  bool started_ = false;
  std::string peeked_;  // plain bytes that `read` hands out first
  std::size_t handed_ = 0;
  std::unique_ptr<Decompressor> decompressor_;
  std::unique_ptr<char[]> raw_;  // compressed bytes, or the first ones of a file that turned out plain
  std::string_view unread_;      // of raw_
  bool raw_ended_ = false, more_output_ = false;
};

}  // namespace flowfit::data
