// Bytes of an input in a window that grows to hold one record; finds the bytes a CSV treats specially.
#include "data/csv_source.h"

#include <cstring>
#include <utility>

namespace flowfit::data {
namespace {

constexpr std::size_t first_capacity = 1 << 18;

}  // namespace

CsvSource::CsvSource(std::unique_ptr<Input> input) : input_(std::move(input)), capacity_(first_capacity) {
  buffer_.reset(new char[capacity_]);  // left uninitialized: read fills it
  begin_ = end_ = buffer_.get();
}

bool CsvSource::fill() {
  if (ended_) return false;
  const auto size = static_cast<std::size_t>(end_ - begin_);
  if (size > capacity_ / 2) {
    std::unique_ptr<char[]> larger(new char[capacity_ * 2]);
    std::memcpy(larger.get(), begin_, size);
    buffer_ = std::move(larger);
    capacity_ *= 2;
  } else {
    std::memmove(buffer_.get(), begin_, size);
  }
  begin_ = buffer_.get();
  end_ = begin_ + size;
  quote_ = carriage_return_ = nul_ = nullptr;
  const std::size_t count = input_->read(buffer_.get() + size, capacity_ - size);
  end_ += count;
  ended_ = count == 0;
  return !ended_;
}

const char* CsvSource::find(const char*& at, char byte) {
  if (at == nullptr || at < begin_) {
    const void* found = std::memchr(begin_, byte, static_cast<std::size_t>(end_ - begin_));
    at = found == nullptr ? end_ : static_cast<const char*>(found);
  }
  return at;
}

}  // namespace flowfit::data
