// The one line at the bottom of a terminal that is drawn over and over.
#pragma once

#include <string>

namespace flowfit::terminal {

/// On stderr, and only where stderr is a terminal that understands `\r` and erasing to the end of a line.
class StatusLine {
 public:
  static bool possible();  ///< stderr is a terminal, and TERM is not `dumb`
  static bool colors();    ///< as `possible`, and neither NO_COLOR nor CLICOLOR=0 is set
  static bool utf8();      ///< the locale's encoding is UTF-8
  static int width();      ///< columns of the terminal; 80 when it does not say

  static void draw(const std::string& text);  ///< in one write, so that it does not flicker
  static void wipe();                         ///< makes room for a line of the log; nothing when nothing is drawn
};

}  // namespace flowfit::terminal
