// Growing and resetting the arena.
#include "core/arena.h"

#include <algorithm>

namespace flowfit::core {

void Arena::grow(std::size_t size) {
  full_ += capacity_;
  const std::size_t next = std::max({size, full_, std::size_t{1} << 16});
  chunks_.push_back(make(next));
  capacity_ = next;
  used_ = 0;
}

void Arena::reset() {
  if (chunks_.size() > 1) {
    const std::size_t total = full_ + capacity_;
    chunks_.clear();
    chunks_.push_back(make(total));
    capacity_ = total;
    full_ = 0;
  }
  used_ = 0;
}

}  // namespace flowfit::core
