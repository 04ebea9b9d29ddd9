// The flags that every command has.
#pragma once

namespace flowfit::terminal {

enum class ProgressStyle { automatic, bar, plain, none };

struct Context {
  int threads = 1;
  bool quiet = false, verbose = false;
  ProgressStyle progress = ProgressStyle::automatic;
};

}  // namespace flowfit::terminal
