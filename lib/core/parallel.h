// A small thread pool for blocks of rows.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace flowfit::core {

/// `threads` workers, the caller among them; fewer where the system refuses more. Work is handed out task by task, so nothing that is
/// computed may depend on which worker ran a task: results go to places named by the task.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(task, worker) for task = 0 … tasks−1 and returns when all are done; worker < size(). No heap allocation. If bodies
  /// throw, the exception of the lowest task is thrown again here, whatever the number of threads.
  template <class Body>
  void run(int tasks, Body&& body) {
    run_erased(
        tasks, [](void* context, int task, int worker) { (*static_cast<std::remove_reference_t<Body>*>(context))(task, worker); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Call = void (*)(void*, int, int);
  void run_erased(int tasks, Call call, void* context);
  void shrink(int workers);
  void work(int worker);
  void take(std::uint32_t round, int worker);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_;
  // The round in the upper half, the next task in the lower: a worker that wakes up late cannot take a task of a later round for one
  // of its own, so a round ends when its tasks are done, whether every worker has seen it or not.
  std::atomic<std::uint64_t> turn_{0};
  std::atomic<Call> call_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<int> tasks_{0}, done_{0};
  std::atomic<int> last_{std::numeric_limits<int>::max()};  // workers with a higher number end
  std::exception_ptr error_;
  int error_task_ = 0;
};

}  // namespace flowfit::core
