// Files whole or not at all: checked reads, atomic writes, a buffered output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flowfit::core {

/// The whole file as bytes. Throws IoError with the path and the system's reason.
std::string read_file(const std::string& path);

/// Replaces `path` by `bytes` or leaves it untouched: temporary file in the same folder, write, fsync, close, rename,
/// fsync the folder; every call checked (also short writes and EINTR). On any failure the temporary is removed and IoError names the path.
void write_file(const std::string& path, std::string_view bytes);

/// Removes the temporaries that writers of `path` left beside it when they were killed. Only for who knows that no other writer is at work.
void remove_temporaries(const std::string& path);

/// A buffered sink on stdout ("-") or on a file. A file is written to a temporary beside it and renamed into place by `close()`,
/// so that a failed command leaves nothing under the real name. Not a regular file (/dev/full, a fifo): written directly.
/// Every write is checked: IoError names the path ("standard output" for stdout). On stdout EPIPE raises IoError too
/// (with SIGPIPE at its default the process has died of the signal before).
class Output {
 public:
  explicit Output(const std::string& path);
  ~Output();  ///< without close(): drops what is buffered and removes the temporary
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  std::string& buffer() { return buffer_; }  ///< append here, then call `flush_if_full`
  void flush_if_full() {
    if (buffer_.size() >= capacity) flush();
  }
  void flush();  ///< hands all buffered bytes to the system
  /// Writes over `bytes.size()` bytes that were flushed, from `offset` on. IoError where the target cannot go back (a pipe).
  void overwrite(std::size_t offset, std::string_view bytes);
  void close();  ///< flush; for a file fsync, close, rename. Call exactly once, on success.

  static constexpr std::size_t capacity = 1 << 18;

 private:
  std::string path_, target_, temporary_, buffer_;  // target_: path_ with its symbolic links followed
  int descriptor_ = -1;
};

/// Lines added to the end of a file that others may be reading. The file is opened at the first `flush`.
class Appender {
 public:
  /// What stands beyond the first `keep` bytes is cut off at the first flush.
  Appender(std::string path, std::size_t keep);
  ~Appender();
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  void append(std::string_view text) { buffer_ += text; }
  void flush();                                                    ///< hands all to the system; IoError names the path
  std::size_t bytes() const { return written_ + buffer_.size(); }  ///< of the file, with what is buffered

 private:
  std::string path_, buffer_;
  std::size_t written_;
  int descriptor_ = -1;
};

/// True when both paths name the same existing file (device and inode).
bool same_file(const std::string& a, const std::string& b);

}  // namespace flowfit::core
