// Files whole or not at all: checked reads, atomic writes, a buffered output.
#include "core/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::core {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int code) {
  throw IoError(path + ": " + what + ": " + std::system_category().message(code));
}

/// The text of the path that rename should replace: symbolic links followed, so that a link stays a link. The last one may dangle.
std::string resolve(const std::string& path) {
  constexpr int most_links = 40;
  std::filesystem::path target = path;
  std::error_code none;
  for (int i = 0; i < most_links && std::filesystem::is_symlink(std::filesystem::symlink_status(target, none)); ++i) {
    const std::filesystem::path next = std::filesystem::read_symlink(target, none);
    if (none) break;
    target = target.parent_path() / next;  // an absolute `next` replaces the whole
  }
  return target.string();
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// True for a device, a fifo, …: something to write to, not to replace.
bool is_special(const std::string& path, const std::string& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) return false;
  if (S_ISDIR(status.st_mode)) fail(path, "cannot write", EISDIR);
  return !S_ISREG(status.st_mode);
}

void write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (written == 0) {
      fail(path, "cannot write", EIO);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {  // stdout shared with someone who made it non-blocking
      pollfd wait{descriptor, POLLOUT, 0};
      if (::poll(&wait, 1, -1) < 0 && errno != EINTR) fail(path, "cannot write", errno);
    } else if (errno != EINTR) {
      fail(path, "cannot write", errno);
    }
  }
}

int open_special(const std::string& path, const std::string& target) {
  int descriptor = -1;
  do descriptor = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) fail(path, "cannot open for writing", errno);
  return descriptor;
}

/// What the names of the temporaries beside `target` begin with.
std::string temporary_stem(const std::string& target) {
  constexpr std::size_t longest_stem = 200;  // a name has at most 255 bytes
  std::string stem(1, '.');
  stem.append(std::filesystem::path(target).filename().string(), 0, longest_stem).append(".tmp-");
  return stem;
}

/// Creates the temporary beside `target`, with the permissions of the file it will replace.
int open_temporary(const std::string& path, const std::string& target, std::string& temporary) {
  constexpr int attempts = 100;
  if (std::filesystem::path(target).filename().empty())
    fail(path.empty() ? "\"\"" : path, "cannot create", path.empty() ? ENOENT : EISDIR);
  const std::string base = folder_of(target) + "/" + temporary_stem(target) + std::to_string(::getpid());
  for (int i = 0; i < attempts; ++i) {  // another writer of this process, or one that died with our number
    std::string name = i == 0 ? base : base + "-" + std::to_string(i);
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      temporary = std::move(name);
      struct stat status {};
      if (::stat(target.c_str(), &status) == 0) {
        // Best effort: a file system without permissions must not keep a result from being saved.
        [[maybe_unused]] const int ignored = ::fchmod(descriptor, status.st_mode & 07777);
      }
      return descriptor;
    }
    if (errno == EINTR) continue;
    if (errno != EEXIST) fail(path, "cannot create", errno);
  }
  fail(path, "cannot create a temporary file beside it", EEXIST);
}

void close_checked(int descriptor, const std::string& path) {
  // On Linux the descriptor is gone even when close was interrupted.
  if (::close(descriptor) != 0 && errno != EINTR) fail(path, "cannot close", errno);
}

void sync_checked(int descriptor, const std::string& path) {
  while (::fsync(descriptor) != 0)
    if (errno != EINTR) fail(path, "cannot write to disk", errno);
}

/// The folder's entry for the new name must survive a power cut as well.
void sync_folder(const std::string& path, const std::string& target) {
  const int folder = ::open(folder_of(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    if (errno == EACCES) return;  // a folder one may write to, but not read: there is no way to ask
    fail(path, "cannot open its folder", errno);
  }
  int code = 0;
  while (::fsync(folder) != 0) {
    code = errno;
    if (code != EINTR) break;
    code = 0;
  }
  ::close(folder);
  if (code != 0 && code != EINVAL && code != ENOTSUP) fail(path, "cannot write its folder to disk", code);
}

/// fsync, close, rename, fsync the folder. Takes the descriptor over; the temporary's name is emptied once it is renamed.
void commit(int& descriptor, const std::string& path, const std::string& target, std::string& temporary) {
  sync_checked(descriptor, path);
  close_checked(std::exchange(descriptor, -1), path);
  if (::rename(temporary.c_str(), target.c_str()) != 0) fail(path, "cannot replace", errno);
  temporary.clear();
  sync_folder(path, target);
}

}  // namespace

std::string read_file(const std::string& path) {
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot open", errno);
  const Closer closer{descriptor};
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(path, "cannot read", errno);

  constexpr std::size_t step = 1 << 16;
  std::string bytes;
  std::size_t size = 0;
  // One byte more than the size, so that the end of the file is seen without growing again.
  bytes.resize(S_ISREG(status.st_mode) ? static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)) + 1 : step);
  for (;;) {
    if (size == bytes.size()) bytes.resize(size + std::max(step, size / 2));
    const ssize_t count = ::read(descriptor, bytes.data() + size, bytes.size() - size);
    if (count < 0) {
      if (errno == EINTR) continue;
      fail(path, "cannot read", errno);
    }
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  bytes.resize(size);
  return bytes;
}

void write_file(const std::string& path, std::string_view bytes) {
  struct Guard {
    int descriptor = -1;
    std::string temporary;
    ~Guard() {
      if (descriptor >= 0) ::close(descriptor);
      if (!temporary.empty()) ::unlink(temporary.c_str());
    }
  } open;
  const std::string target = resolve(path);
  if (is_special(path, target)) {
    open.descriptor = open_special(path, target);
    write_all(open.descriptor, bytes, path);
    close_checked(std::exchange(open.descriptor, -1), path);
  } else {
    open.descriptor = open_temporary(path, target, open.temporary);
    write_all(open.descriptor, bytes, path);
    commit(open.descriptor, path, target, open.temporary);
  }
}

void remove_temporaries(const std::string& path) {
  const std::string target = resolve(path), stem = temporary_stem(target);
  std::error_code none;  // what cannot be removed is only untidy
  for (std::filesystem::directory_iterator at(folder_of(target), none), end; !none && at != end; at.increment(none))
    if (at->path().filename().string().starts_with(stem)) ::unlink(at->path().c_str());
}

Output::Output(const std::string& path) : path_(path), target_(path) {
  if (path == "-") {
    path_ = "standard output";
    descriptor_ = STDOUT_FILENO;
  } else {
    target_ = resolve(path);
    descriptor_ = is_special(path_, target_) ? open_special(path_, target_) : open_temporary(path_, target_, temporary_);
  }
}

Output::~Output() {
  if (descriptor_ > STDOUT_FILENO) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void Output::flush() {
  // Taken out first: after a failure the bytes must not be sent a second time.
  std::string bytes;
  bytes.swap(buffer_);
  write_all(descriptor_, bytes, path_);
  bytes.clear();
  buffer_.swap(bytes);  // keeps the memory for the next round
}

void Output::overwrite(std::size_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path_, "cannot write", written == 0 ? EIO : errno);
    offset += static_cast<std::size_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Output::close() {
  flush();
  if (!temporary_.empty()) {
    commit(descriptor_, path_, target_, temporary_);
  } else {
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor > STDOUT_FILENO) close_checked(descriptor, path_);
  }
}

Appender::Appender(std::string path, std::size_t keep) : path_(std::move(path)), written_(keep) {}

Appender::~Appender() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Appender::flush() {
  if (descriptor_ < 0) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(path_, "cannot open for writing", errno);
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail(path_, "cannot read", errno);
    // A file that lost its end since (it is not synced at each line) goes on from where it is.
    written_ = std::min(written_, static_cast<std::size_t>(status.st_size));
    if (::ftruncate(descriptor_, static_cast<off_t>(written_)) != 0) fail(path_, "cannot shorten", errno);
  }
  write_all(descriptor_, buffer_, path_);
  written_ += buffer_.size();
  buffer_.clear();
}

bool same_file(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  if (::stat(a.c_str(), &first) != 0 || ::stat(b.c_str(), &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace flowfit::core
