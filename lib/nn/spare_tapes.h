// Tapes between two uses of a model: their memory is warm, and costs more to ask for anew than a small table takes to score.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "autodiff/tape.h"

namespace flowfit::nn {

/// Safe to use from several threads: each takes tapes of its own.
template <class T>
class SpareTapes {
 public:
  using Tapes = std::vector<std::unique_ptr<autodiff::Tape<T>>>;

  /// `count` tapes, made where there are none to spare. What is not given back is freed.
  Tapes take(int count) {
    Tapes taken;
    {
      const std::lock_guard lock(mutex_);
      for (; count > 0 && !spare_.empty(); --count, spare_.pop_back()) taken.push_back(std::move(spare_.back()));
    }
    for (; count > 0; --count) taken.push_back(std::make_unique<autodiff::Tape<T>>());
    return taken;
  }
  void give_back(Tapes tapes) {
    const std::lock_guard lock(mutex_);
    for (auto& tape : tapes) spare_.push_back(std::move(tape));
  }

 private:
  std::mutex mutex_;
  Tapes spare_;
};

}  // namespace flowfit::nn
