// SIGINT and SIGTERM as a request to stop at the next step.
#pragma once

namespace flowfit::terminal {

/// From now on the first SIGINT or SIGTERM is noted, and the second kills as usual.
void catch_signals();
int caught_signal();  ///< its number, or 0

}  // namespace flowfit::terminal
