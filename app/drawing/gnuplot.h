// gnuplot as a child process: a script in, the bytes of a picture out.
#pragma once

#include <string>

namespace flowfit::drawing {

/// `gnuplot 5.4 patchlevel 4`. Throws core::Error (exit 1) that names the package where gnuplot cannot be started.
std::string gnuplot_version();

/// What gnuplot writes for `script` to its standard output. Settings of the user (~/.gnuplot) are not read. Throws core::Error (exit 1) with gnuplot's own words
/// where it fails.
std::string run_gnuplot(const std::string& script);

/// A text between single quotes, where gnuplot substitutes nothing; control characters become blanks.
std::string quoted(const std::string& text);

}  // namespace flowfit::drawing
