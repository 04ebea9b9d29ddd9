// A bump allocator that is reset, not freed: after the first pass a training step takes its memory from here alone.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace flowfit::core {

/// Hands out uninitialised memory aligned to 64 bytes. `reset()` takes everything back at once and merges the chunks into one, so
/// that a warm arena serves every pass of the same size without asking the heap.
class Arena {
 public:
  static constexpr std::size_t alignment = 64;

  template <class T>
  T* allocate(std::size_t count) {
    return static_cast<T*>(bytes(count * sizeof(T)));
  }

  void* bytes(std::size_t size) {
    // Nothing gets a place of its own too: a null pointer means "no value".
    size = size == 0 ? alignment : (size + alignment - 1) / alignment * alignment;
    if (used_ + size > capacity_) grow(size);
    void* place = chunks_.back().get() + used_;
    used_ += size;
    return place;
  }

  void reset();

  /// A place to come back to: `rewind` takes back what was handed out since `mark`. Chunks that were added since stay until the next reset.
  struct Mark {
    std::size_t chunks, used;
  };
  Mark mark() const { return {chunks_.size(), used_}; }
  void rewind(const Mark& mark) {
    // In a younger chunk all of it is free: what came before the mark lies in older ones.
    used_ = mark.chunks == chunks_.size() ? mark.used : 0;
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{alignment}); }
  };
  using Chunk = std::unique_ptr<std::byte, Free>;
  static Chunk make(std::size_t size) {
    return Chunk(static_cast<std::byte*>(::operator new (size, std::align_val_t{alignment})));
  }
  void grow(std::size_t size);

  std::vector<Chunk> chunks_;
  std::size_t used_ = 0, capacity_ = 0;  // of the last chunk
  std::size_t full_ = 0;                 // bytes in the chunks before it
};

}  // namespace flowfit::core
