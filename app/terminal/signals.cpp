// SIGINT and SIGTERM as a request to stop at the next step, and signals that are errors of files.
#include "terminal/signals.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>
#include <string_view>

#include "core/error.h"

namespace flowfit::terminal {
namespace {

volatile sig_atomic_t caught = 0;

extern "C" void note_signal(int number) {
  caught = number;
  // Whoever asks twice does not want to wait for a checkpoint.
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
}

// Only what a signal handler may call.
extern "C" void tell_of_lost_page(int) {
  constexpr std::string_view text =
      "flowfit: error: a table that stays on disk was cut off, or its disk fails; put it back, and go on with --resume\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  ::_exit(static_cast<int>(core::Exit::io));
}

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    // A job in the background of a script ignores SIGINT (and nohup others): leave it so.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &action, nullptr);
  }
}

void explain_lost_pages() {
  struct sigaction action {};
  action.sa_handler = tell_of_lost_page;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

void refuse_size_signal() { ::signal(SIGXFSZ, SIG_IGN); }

int caught_signal() { return caught; }

void stop_if_signalled() {
  if (caught != 0) throw Stopped{caught};
}

}  // namespace flowfit::terminal
