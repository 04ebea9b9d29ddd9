// The bytes of a file or of standard input, decompressed on the way when they are gzip or zstd.
#include "data/input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace flowfit::data {
namespace {

constexpr std::size_t raw_capacity = 1 << 16;

[[noreturn]] void fail(const std::string& name, const char* what, int code) {
  throw core::IoError(name + ": " + what + ": " + std::system_category().message(code));
}

}  // namespace

Input::Input(const std::string& path) : name_(path == "-" ? "stdin" : path) {
  descriptor_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) fail(name_, "cannot open", errno);
}

Input::~Input() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

std::size_t Input::read_raw(char* to, std::size_t size) {
  for (;;) {
    const ssize_t count = ::read(descriptor_, to, size);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) {
      raw_ended_ = true;
      return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd wait{descriptor_, POLLIN, 0};
      if (::poll(&wait, 1, -1) < 0 && errno != EINTR) fail(name_, "cannot read", errno);
    } else if (errno != EINTR) {
      fail(name_, "cannot read", errno);
    }
  }
}

/// Looks at as many bytes as it takes to know whether they are compressed.
void Input::start() {
  started_ = true;
  raw_.reset(new char[raw_capacity]);
  std::size_t size = 0;
  do {
    size += read_raw(raw_.get() + size, raw_capacity - size);
  } while (!raw_ended_ && size < longest_compression_magic && may_be_compressed({raw_.get(), size}));
  unread_ = {raw_.get(), size};
  decompressor_ = decompressor_for(unread_);
}

std::size_t Input::read_plain(char* to, std::size_t size) {
  if (!started_) start();
  if (!decompressor_) {
    if (unread_.empty()) return raw_ended_ ? 0 : read_raw(to, size);
    const std::size_t count = std::min(size, unread_.size());
    std::memcpy(to, unread_.data(), count);
    unread_.remove_prefix(count);
    return count;
  }
  const auto refuse = [this](std::string_view expected, std::string_view got, std::string_view hint) {
    throw core::DataError(core::message(name_, expected, got, hint));
  };
  const std::string format(decompressor_->format());
  for (;;) {
    if (unread_.empty() && !more_output_ && !raw_ended_) unread_ = {raw_.get(), read_raw(raw_.get(), raw_capacity)};
    if (unread_.empty() && !more_output_) {
      if (decompressor_->complete()) return 0;
      refuse("expected the rest of the " + format + " stream", "the end of the file", "is it cut off?");
    }
    std::size_t count = 0;
    try {
      count = decompressor_->decompress(unread_, to, size);
    } catch (const core::DataError& error) {
      refuse("expected whole " + format + " data", std::string("damaged bytes (") + error.what() + ")",
             "fetch or compress the file anew");
    }
    more_output_ = count == size;
    if (count > 0) return count;
  }
}

std::string_view Input::peek(std::size_t count) {
  while (peeked_.size() < count && peeked_.find('\n') == std::string::npos) {
    const std::size_t before = peeked_.size();
    peeked_.resize(count);
    const std::size_t read = read_plain(peeked_.data() + before, count - before);
    peeked_.resize(before + read);
    if (read == 0) break;
  }
  return peeked_;
}

std::size_t Input::read(char* to, std::size_t size) {
  if (handed_ == peeked_.size()) return read_plain(to, size);
  const std::size_t count = std::min(size, peeked_.size() - handed_);
  std::memcpy(to, peeked_.data() + handed_, count);
  handed_ += count;
  return count;
}

bool Input::ready() const {
  if (handed_ < peeked_.size() || !unread_.empty() || more_output_ || raw_ended_) return true;
  pollfd wait{descriptor_, POLLIN, 0};
  return ::poll(&wait, 1, 0) != 0;  // an error is left for read to report
}

std::optional<std::uint64_t> Input::size() const {
  struct stat status {};
  if (decompressor_ || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const off_t at = ::lseek(descriptor_, 0, SEEK_CUR);
  const auto taken = started_ ? static_cast<off_t>(unread_.size() + peeked_.size()) : 0;
  if (at != taken) return std::nullopt;  // stdin that someone has read from before
  return static_cast<std::uint64_t>(status.st_size);
}

void Input::read_at(std::uint64_t offset, char* to, std::size_t size) const {
  while (size > 0) {
    const ssize_t count = ::pread(descriptor_, to, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(name_, "cannot read", errno);
    if (count == 0)
      throw core::DataError(core::message(name_, "expected more bytes", "the end of the file", "was it cut off just now?"));
    offset += static_cast<std::uint64_t>(count);
    to += count;
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace flowfit::data
