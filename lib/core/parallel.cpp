// The pool's workers: they spin for a moment between rounds, then sleep.
#include "core/parallel.h"

namespace flowfit::core {
namespace {
// A training step is tens of microseconds long for small flows: waking a sleeping thread would cost as much again.
constexpr int spins = 4000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}
std::uint32_t round_of(std::uint64_t turn) { return static_cast<std::uint32_t>(turn >> 32); }
std::uint32_t task_of(std::uint64_t turn) { return static_cast<std::uint32_t>(turn); }

}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(static_cast<std::size_t>(threads > 1 ? threads - 1 : 0));
  try {
    for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { work(worker); });
  } catch (const std::exception&) {
    // The system has no more (ulimit -u, ulimit -v). The results are the same with fewer; to let the exception out would destroy what they
    // wait on. Half of them go again: their stacks took the memory that the work itself needs.
    shrink(static_cast<int>(workers_.size()) / 2);
  }
}

ThreadPool::~ThreadPool() { shrink(0); }

void ThreadPool::shrink(int workers) {
  {
    const std::lock_guard lock(mutex_);
    last_ = workers;
  }
  start_.notify_all();
  for (; static_cast<int>(workers_.size()) > workers; workers_.pop_back()) workers_.back().join();
}

void ThreadPool::take(std::uint32_t round, int worker) {
  const Call call = call_.load(std::memory_order_relaxed);
  void* const context = context_.load(std::memory_order_relaxed);
  const std::uint32_t tasks = static_cast<std::uint32_t>(tasks_.load(std::memory_order_acquire));
  std::uint64_t turn = turn_.load(std::memory_order_acquire);
  while (round_of(turn) == round && task_of(turn) < tasks) {
    if (!turn_.compare_exchange_weak(turn, turn + 1, std::memory_order_acq_rel)) continue;
    const int task = static_cast<int>(task_of(turn));
    try {
      call(context, task, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_ || task < error_task_) {
        error_ = std::current_exception();
        error_task_ = task;
      }
    }
    done_.fetch_add(1, std::memory_order_release);
    turn = turn_.load(std::memory_order_acquire);
  }
}

void ThreadPool::work(int worker) {
  std::uint32_t seen = 0;
  const auto waits = [&] { return round_of(turn_.load(std::memory_order_acquire)) == seen && worker <= last_; };
  while (true) {
    for (int i = 0; i < spins && waits(); ++i) pause();
    if (waits()) {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return !waits(); });
    }
    if (worker > last_) return;
    seen = round_of(turn_.load(std::memory_order_acquire));
    take(seen, worker);
  }
}

void ThreadPool::run_erased(int tasks, Call call, void* context) {
  if (tasks <= 0) return;
  if (workers_.empty() || tasks == 1) {
    // The same order and the same exception as with workers: all tasks run, the first error is thrown.
    std::exception_ptr error;
    for (int task = 0; task < tasks; ++task) {
      try {
        call(context, task, 0);
      } catch (...) {
        if (!error) error = std::current_exception();
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
  // Closed first: a late worker of the last round that already sees the new number of tasks finds no task to take.
  const std::uint32_t round = round_of(turn_.load(std::memory_order_relaxed)) + 1;
  turn_.store(turn_.load(std::memory_order_relaxed) | 0xFFFFFFFF, std::memory_order_relaxed);
  call_.store(call, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  tasks_.store(tasks, std::memory_order_release);
  done_.store(0, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    turn_.store(static_cast<std::uint64_t>(round) << 32, std::memory_order_release);
  }
  start_.notify_all();
  take(round, 0);
  for (int i = 0; done_.load(std::memory_order_acquire) < tasks; ++i) {
    if (i < spins)
      pause();
    else
      std::this_thread::yield();
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace flowfit::core
