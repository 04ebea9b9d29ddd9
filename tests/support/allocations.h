// Counts heap allocations, Eigen's included, in any test program.
#pragma once

#include <cstddef>

namespace flowfit::test {

/// Calls to the heap so far, from every thread.
std::size_t allocations();
/// False where a sanitizer owns the heap: then nothing is counted.
bool counts_allocations();

}  // namespace flowfit::test
