// What a check measures.
#pragma once

namespace flowfit::flow {

/// A figure of a check, and the most it may be.
struct Figure {
  double value = 0, limit = 0;
  bool judged = true;                                    ///< false: shown, but nothing follows from it
  bool ok() const { return !judged || value <= limit; }  ///< false for NaN
};

}  // namespace flowfit::flow
