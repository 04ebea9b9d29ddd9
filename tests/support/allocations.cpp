// Stands in front of glibc's heap: operator new and Eigen both end in malloc or its aligned kin.
#include "support/allocations.h"

#include <atomic>

#if defined(__SANITIZE_ADDRESS__)
#define FLOWFIT_OWN_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FLOWFIT_OWN_HEAP 0
#endif
#endif
#ifndef FLOWFIT_OWN_HEAP
#define FLOWFIT_OWN_HEAP 1
#endif

namespace {
std::atomic<std::size_t> count{0};
}

#if FLOWFIT_OWN_HEAP
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
}
#endif

namespace flowfit::test {

std::size_t allocations() { return count.load(); }
bool counts_allocations() { return FLOWFIT_OWN_HEAP; }

}  // namespace flowfit::test
