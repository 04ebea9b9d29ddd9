// The arena: alignment, growth, and silence of the heap once it is warm.
#include "core/arena.h"

#include <doctest/doctest.h>

#include <cstdint>

#include "support/allocations.h"

using namespace flowfit;

TEST_CASE("arena: memory is aligned to 64 bytes and does not overlap") {
  core::Arena arena;
  std::byte* last_end = nullptr;
  for (const std::size_t size : {1u, 63u, 64u, 65u, 0u, 1000u}) {
    auto* place = static_cast<std::byte*>(arena.bytes(size));
    CHECK(reinterpret_cast<std::uintptr_t>(place) % core::Arena::alignment == 0);
    if (last_end) CHECK(place >= last_end);
    last_end = place + size;
  }
  CHECK(reinterpret_cast<std::uintptr_t>(arena.allocate<double>(3)) % core::Arena::alignment == 0);
}

TEST_CASE("arena: reset merges the chunks, so the same pass again asks nothing of the heap") {
  core::Arena arena;
  const auto pass = [&] {
    for (int i = 0; i < 100; ++i) arena.allocate<double>(5000);
  };
  const std::size_t before = test::allocations();
  pass();
  if (test::counts_allocations()) CHECK(test::allocations() - before > 2);  // it grew by several chunks
  arena.reset();
  const std::size_t warm = test::allocations();
  pass();
  arena.reset();
  pass();
  CHECK(test::allocations() == warm);
}

TEST_CASE("arena: nothing has a place of its own, also in a new arena") {
  flowfit::core::Arena arena;
  const void* const first = arena.bytes(0);
  const void* const second = arena.bytes(0);
  CHECK(first != nullptr);
  CHECK(first != second);
}
