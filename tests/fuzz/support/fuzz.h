// What the fuzzers share: the entry that libFuzzer and the replay call, a claim about the outcome, and bytes as a file.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// One input. Returns 0; whatever breaks a promise ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace flowfit::fuzz {

/// Ends the process when a promise is broken: libFuzzer keeps the input.
inline void must(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// Bytes under a path that can be opened and read like a file.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    must(descriptor_ >= 0, "a file in memory");
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t written = ::write(descriptor_, bytes.data() + at, bytes.size() - at);
      must(written > 0, "a file in memory");
      at += static_cast<std::size_t>(written);
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Bytes that come through a pipe, once.
class Pipe {
 public:
  static constexpr std::size_t capacity = 1 << 16;  ///< what Linux holds back without a reader

  explicit Pipe(std::string_view bytes) {
    int ends[2];
    must(::pipe2(ends, O_CLOEXEC) == 0, "a pipe");
    must(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "a pipe");
    ::close(ends[1]);
    descriptor_ = ends[0];
  }
  ~Pipe() { ::close(descriptor_); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_ = -1;
};

/// The bytes of an input as text.
inline std::string_view text(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace flowfit::fuzz
