// Bytes of an input in a window that grows to hold one record; finds the bytes a CSV treats specially.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "data/input.h"

namespace flowfit::data {

/// A window [begin(), end()) on the bytes not yet consumed. Pointers into it live until the next `fill`.
class CsvSource {
 public:
  explicit CsvSource(std::unique_ptr<Input> input);

  const std::string& name() const { return input_->name(); }
  const char* begin() const { return begin_; }
  const char* end() const { return end_; }
  bool at_end() const { return ended_; }  ///< no more bytes than those of the window will come

  void consume(const char* to) { begin_ = to; }
  /// Waits for more bytes, keeping those of the window. False at the end.
  bool fill();
  /// True when `fill` would not have to wait.
  bool ready() const { return ended_ || input_->ready(); }

  /// The first such byte of the window, or end(). A quote-free file is searched once a window, not once a record.
  const char* quote() { return find(quote_, '"'); }
  const char* carriage_return() { return find(carriage_return_, '\r'); }
  const char* nul() { return find(nul_, '\0'); }

 private:
  const char* find(const char*& at, char byte);

  std::unique_ptr<Input> input_;
  bool ended_ = false;
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> buffer_;
  const char *begin_ = nullptr, *end_ = nullptr;
  const char *quote_ = nullptr, *carriage_return_ = nullptr, *nul_ = nullptr;  // null: not searched yet
};

}  // namespace flowfit::data
