// SIGINT and SIGTERM as a request to stop at the next step.
#include "terminal/signals.h"

#include <csignal>
#include <initializer_list>

namespace flowfit::terminal {
namespace {

volatile sig_atomic_t caught = 0;

extern "C" void note_signal(int number) {
  caught = number;
  // Whoever asks twice does not want to wait for a checkpoint.
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
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

void refuse_size_signal() { ::signal(SIGXFSZ, SIG_IGN); }

int caught_signal() { return caught; }

void stop_if_signalled() {
  if (caught != 0) throw Stopped{caught};
}

}  // namespace flowfit::terminal
