// SIGINT and SIGTERM as a request to stop at the next step.
#pragma once

namespace flowfit::terminal {

/// From now on the first SIGINT or SIGTERM is noted, and the second kills as usual.
void catch_signals();
int caught_signal();  ///< its number, or 0

/// Thrown where a command stops for a signal, so that its temporary files are removed on the way out.
struct Stopped {
  int signal;
};
void stop_if_signalled();

}  // namespace flowfit::terminal
