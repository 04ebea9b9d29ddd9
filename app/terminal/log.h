// Lines for a person, on stderr: `flowfit: …`, `flowfit: warning: …`, `flowfit: error: …`.
#pragma once

#include <string_view>

namespace flowfit::terminal {

/// `quiet` drops notices, `verbose` adds details. Errors and warnings are always shown.
void configure_log(bool quiet, bool verbose);

// A text of several lines becomes as many lines, each with its prefix. A progress bar is wiped first.
void error(std::string_view text);
void warning(std::string_view text);
void notice(std::string_view text);
void detail(std::string_view text);

}  // namespace flowfit::terminal
