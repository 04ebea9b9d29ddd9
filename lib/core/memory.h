// How much memory there is, and running out of it, told with what it was wanted for.
#pragma once

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/error.h"

namespace flowfit::core {

/// Of the machine, in bytes; without a figure: as if there were no end of it.
std::uint64_t memory_bytes();

/// Returns body(). When memory runs out in it, throws Error (exit code 1): `out of memory for <what()>; <hint>`.
template <class What, class Body>
decltype(auto) needing_memory(What&& what, const char* hint, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {  // more than any vector holds
  }
  throw Error(Exit::failure, message("out of memory for " + std::string(what()), "", "", hint));
}

}  // namespace flowfit::core
