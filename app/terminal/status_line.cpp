// The one line at the bottom of a terminal that is drawn over and over.
#include "terminal/status_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace flowfit::terminal {
namespace {

bool drawn = false;  // one stderr, one line

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

// A line that cannot be drawn is no reason to stop.
void write(const std::string& text) { [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size()); }

}  // namespace

bool StatusLine::possible() { return ::isatty(STDERR_FILENO) == 1 && !variable("TERM").empty() && variable("TERM") != "dumb"; }

bool StatusLine::colors() { return possible() && variable("NO_COLOR").empty() && variable("CLICOLOR") != "0"; }

bool StatusLine::utf8() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != std::string_view::npos || value.find("utf8") != std::string_view::npos ||
           value.find("utf-8") != std::string_view::npos;
  }
  return false;
}

int StatusLine::width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void StatusLine::draw(const std::string& text) {
  write("\r" + text + "\x1b[K");
  drawn = true;
}

void StatusLine::wipe() {
  if (!drawn) return;
  write("\r\x1b[K");
  drawn = false;
}

}  // namespace flowfit::terminal
