// Starts gnuplot without a shell, on files in memory instead of pipes: neither side ever waits for the other, and nothing raises SIGPIPE.
#include "drawing/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "terminal/signals.h"

namespace flowfit::drawing {
namespace {

[[noreturn]] void fail(const std::string& what) { throw core::Error(core::Exit::failure, "gnuplot: " + what); }
[[noreturn]] void fail(const std::string& what, int code) { fail(what + ": " + std::system_category().message(code)); }

/// An anonymous file in memory.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("flowfit", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("cannot make a file in memory", errno);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  void write(const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
      if (count < 0 && errno != EINTR) fail("cannot hand over the script", errno);
      if (count > 0) done += static_cast<std::size_t>(count);
    }
    if (::lseek(descriptor_, 0, SEEK_SET) != 0) fail("cannot hand over the script", errno);
  }

  std::string read() const {
    std::string text;
    char piece[1 << 16];
    for (;;) {
      const ssize_t count = ::pread(descriptor_, piece, sizeof piece, static_cast<off_t>(text.size()));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot read what it wrote", errno);
      if (count == 0) return text;
      text.append(piece, static_cast<std::size_t>(count));
    }
  }

 private:
  int descriptor_;
};

/// Standard input, output and error of the child.
class Actions {
 public:
  Actions(std::initializer_list<int> descriptors) {
    ::posix_spawn_file_actions_init(&actions_);
    int number = 0;
    for (const int descriptor : descriptors) ::posix_spawn_file_actions_adddup2(&actions_, descriptor, number++);
  }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// What stopped gnuplot, out of all that it says: the last line that names a place (`line 0: ')' expected`), without the place.
std::string complaint(const std::string& error) {
  constexpr std::string_view mark = "line 0: ";
  const std::size_t at = error.rfind(mark);
  const std::string words = at == std::string::npos ? error : error.substr(at + mark.size());
  return words.substr(0, words.find('\n'));
}

std::string run(const std::vector<const char*>& arguments, const std::string& input) {
  MemoryFile in, out, error;
  in.write(input);
  const Actions actions{in.descriptor(), out.descriptor(), error.descriptor()};
  std::vector<char*> words;
  for (const char* const word : arguments) words.push_back(const_cast<char*>(word));
  words.push_back(nullptr);
  pid_t child = -1;
  if (const int code = ::posix_spawnp(&child, words.front(), actions.get(), nullptr, words.data(), environ); code != 0) {
    if (code == ENOENT) fail("not found, and pictures are drawn by it; install the package gnuplot-nox");
    fail("cannot be started", code);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail("cannot wait for it", errno);
  terminal::stop_if_signalled();  // Ctrl-C reaches both
  if (WIFSIGNALED(status)) fail("ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) {
    const std::string words_of_it = complaint(error.read());
    fail("exit code " + std::to_string(WEXITSTATUS(status)) + (words_of_it.empty() ? "" : ": " + words_of_it));
  }
  return out.read();
}

}  // namespace

std::string gnuplot_version() {
  std::string version = run({"gnuplot", "--version"}, "");
  while (!version.empty() && version.back() == '\n') version.pop_back();
  return version;
}

std::string run_gnuplot(const std::string& script) { return run({"gnuplot", "-d", "-"}, script); }

std::string quoted(const std::string& text) {
  std::string inside = "'";
  for (const char c : text) {
    if (c == '\'') inside += '\'';
    inside += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return inside + "'";
}

}  // namespace flowfit::drawing
