// One slot between the reading thread and its user.
#include "data/table_ahead.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace flowfit::data {

struct TableAhead::State {
  std::shared_ptr<TableReader> reader;
  std::size_t limit = 0;
  std::mutex mutex;
  std::condition_variable changed;
  enum { wanted, full, ended } slot = wanted;  // rows belong to the thread while they are wanted
  bool abandoned = false;
  bool alone = false;  // there is no thread to be had: rows are read when they are asked for
  TableRows rows;
  std::exception_ptr error;

  void run() {
    for (;;) {
      std::size_t count = 0;
      std::exception_ptr failure;
      try {
        count = reader->read(limit, rows);
      } catch (...) {
        failure = std::current_exception();
      }
      std::unique_lock lock(mutex);
      error = failure;
      slot = failure || count == 0 ? ended : full;
      changed.notify_all();
      if (slot == ended) return;
      changed.wait(lock, [this] { return slot == wanted || abandoned; });
      if (abandoned) return;
    }
  }
};

TableAhead::TableAhead(std::shared_ptr<TableReader> reader, std::size_t limit) : state_(std::make_shared<State>()) {
  state_->reader = std::move(reader);
  state_->limit = limit;
  // Detached, and owner of all it uses: when the user gives up, it may be waiting for a pipe that stays silent.
  try {
    std::thread([state = state_] { state->run(); }).detach();
  } catch (const std::system_error&) {
    state_->alone = true;
  }
}

TableAhead::~TableAhead() {
  const std::lock_guard lock(state_->mutex);
  state_->abandoned = true;
  state_->changed.notify_all();
}

bool TableAhead::next(TableRows& rows) {
  if (state_->alone) return state_->reader->read(state_->limit, rows) > 0;
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->slot != State::wanted; });
  if (state_->error) std::rethrow_exception(state_->error);
  if (state_->slot == State::ended) return false;
  std::swap(rows, state_->rows);
  state_->slot = State::wanted;
  state_->changed.notify_all();
  return true;
}

}  // namespace flowfit::data
