// Bytes from a descriptor in a window that grows to hold one record; finds the bytes a CSV treats specially.
#include "data/csv_source.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace flowfit::data {
namespace {

constexpr std::size_t first_capacity = 1 << 18;

[[noreturn]] void fail(const std::string& name, const char* what, int code) {
  throw core::IoError(name + ": " + what + ": " + std::system_category().message(code));
}

}  // namespace

CsvSource::CsvSource(const std::string& path) : name_(path == "-" ? "stdin" : path) {
  descriptor_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) fail(name_, "cannot open", errno);
  capacity_ = first_capacity;
  buffer_.reset(new char[capacity_]);  // left uninitialized: read fills it
  begin_ = end_ = buffer_.get();
}

CsvSource::~CsvSource() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

bool CsvSource::fill() {
  if (ended_) return false;
  const auto size = static_cast<std::size_t>(end_ - begin_);
  if (size > capacity_ / 2) {
    std::unique_ptr<char[]> larger(new char[capacity_ * 2]);
    std::memcpy(larger.get(), begin_, size);
    buffer_ = std::move(larger);
    capacity_ *= 2;
  } else {
    std::memmove(buffer_.get(), begin_, size);
  }
  begin_ = buffer_.get();
  end_ = begin_ + size;
  quote_ = carriage_return_ = nul_ = nullptr;
  for (;;) {
    const ssize_t count = ::read(descriptor_, buffer_.get() + size, capacity_ - size);
    if (count > 0) {
      end_ += count;
      return true;
    }
    if (count == 0) {
      ended_ = true;
      return false;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd wait{descriptor_, POLLIN, 0};
      if (::poll(&wait, 1, -1) < 0 && errno != EINTR) fail(name_, "cannot read", errno);
    } else if (errno != EINTR) {
      fail(name_, "cannot read", errno);
    }
  }
}

bool CsvSource::ready() const {
  pollfd wait{descriptor_, POLLIN, 0};
  return ended_ || ::poll(&wait, 1, 0) != 0;  // an error is left for read to report
}

const char* CsvSource::find(const char*& at, char byte) {
  if (at == nullptr || at < begin_) {
    const void* found = std::memchr(begin_, byte, static_cast<std::size_t>(end_ - begin_));
    at = found == nullptr ? end_ : static_cast<const char*>(found);
  }
  return at;
}

}  // namespace flowfit::data
