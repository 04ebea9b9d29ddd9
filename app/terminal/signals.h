// SIGINT and SIGTERM as a request to stop at the next step, and signals that are errors of files.
#pragma once

namespace flowfit::terminal {

/// From now on the first SIGINT or SIGTERM is noted, and the second kills as usual.
void catch_signals();
int caught_signal();  ///< its number, or 0
/// A file that may not grow (ulimit -f) becomes an error of the write, with its path, instead of a silent death.
void refuse_size_signal();

/// From now on the loss of a page of a mapped file, which was cut off or whose disk fails, ends the process with one clear line and the exit code of I/O errors.
void explain_lost_pages();

/// Thrown where a command stops for a signal, so that its temporary files are removed on the way out.
struct Stopped {
  int signal;
};
void stop_if_signalled();

}  // namespace flowfit::terminal
