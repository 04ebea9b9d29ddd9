// The pool's workers: they spin for a moment between rounds, then sleep.
#include "core/parallel.h"

namespace flowfit::core {
namespace {
// A training step is tens of microseconds long for small flows: waking a sleeping thread would cost as much again.
constexpr int spins = 20000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}
}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { work(worker); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++round_;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take(int worker) {
  for (int task = next_++; task < tasks_; task = next_++) {
    try {
      call_(context_, task, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_ || task < error_task_) {
        error_ = std::current_exception();
        error_task_ = task;
      }
    }
  }
}

void ThreadPool::work(int worker) {
  unsigned seen = 0;
  while (true) {
    for (int i = 0; i < spins && round_.load(std::memory_order_acquire) == seen; ++i) pause();
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return round_.load() != seen; });
    }
    seen = round_.load(std::memory_order_acquire);
    if (stop_) return;
    take(worker);
    busy_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

void ThreadPool::run_erased(int tasks, Call call, void* context) {
  if (tasks <= 0) return;
  call_ = call;
  context_ = context;
  tasks_ = tasks;
  next_ = 0;
  if (!workers_.empty() && tasks > 1) {
    busy_ = static_cast<int>(workers_.size());
    {
      const std::lock_guard lock(mutex_);
      ++round_;
    }
    start_.notify_all();
  }
  take(0);
  for (int i = 0; busy_.load(std::memory_order_acquire) > 0; ++i) {
    if (i < spins)
      pause();
    else
      std::this_thread::yield();
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace flowfit::core
