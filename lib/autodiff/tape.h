// The tape of reverse-mode automatic differentiation: memory for one pass, and what to do on the way back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "autodiff/var.h"
#include "core/arena.h"

namespace flowfit::autodiff {

/// Evaluate: values only, nothing is recorded. Differentiate: the same code and bits, with adjoints and a way back.
enum class Mode { evaluate, differentiate };

/// Contract of an op: it makes its output with `make` (uninitialised) and writes all of it; if the output wants a gradient it pushes one
/// closure that reads the output's adjoint and *adds* to the adjoints of those inputs that want one. The closure captures Vars and
/// numbers, nothing that owns memory. An output's adjoint is complete when its closure runs and nobody reads it afterwards, so a closure may
/// destroy it. No op allocates from the heap: scratch comes from `scratch`.
template <class T>
class Tape {
  struct Closure {
    Closure* previous;
    void (*run)(Closure*);
  };

 public:
  explicit Tape(Mode mode = Mode::evaluate) : mode_(mode) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Mode mode() const { return mode_; }
  bool differentiates() const { return mode_ == Mode::differentiate; }

  /// Forgets every Var and closure; the memory stays.
  void reset(Mode mode) {
    arena_.reset();
    last_ = nullptr;
    mode_ = mode;
  }

  /// An uninitialised output; its adjoint (when wanted and differentiating) starts at zero.
  Var<T> make(Index rows, Index cols, bool wants_grad) {
    Var<T> var{arena_.template allocate<T>(static_cast<std::size_t>(rows * cols)), nullptr, rows, cols};
    if (wants_grad && differentiates()) {
      var.adjoint = arena_.template allocate<T>(static_cast<std::size_t>(rows * cols));
      std::fill_n(var.adjoint, rows * cols, T(0));
    }
    return var;
  }

  /// Uninitialised memory that lives until reset: what an op keeps for its way back.
  template <class U = T>
  U* scratch(Index count) {
    return arena_.template allocate<U>(static_cast<std::size_t>(count));
  }

  /// What is handed out in its lifetime is taken back at its end: room to work in that the next column finds warm in the cache.
  class Scratch {
   public:
    explicit Scratch(Tape& tape) : tape_(tape), mark_(tape.arena_.mark()) {}
    ~Scratch() { tape_.arena_.rewind(mark_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    Tape& tape_;
    core::Arena::Mark mark_;
  };

  /// For its lifetime the tape evaluates, and what was made meanwhile is forgotten at its end: a search that calls ops many times before
  /// the one call that counts. Results go to memory made before.
  class Evaluation {
   public:
    explicit Evaluation(Tape& tape) : tape_(tape), mode_(tape.mode_), mark_(tape.arena_.mark()) { tape.mode_ = Mode::evaluate; }
    ~Evaluation() {
      tape_.mode_ = mode_;
      tape_.arena_.rewind(mark_);
    }
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

   private:
    Tape& tape_;
    Mode mode_;
    core::Arena::Mark mark_;
  };

  /// For its lifetime, inside a closure of `backward`: records anew with a way back of its own, which `backward` runs, and forgets all of it at its end.
  /// An op that keeps few numbers computes the rest again there.
  class Replay {
   public:
    explicit Replay(Tape& tape) : tape_(tape), last_(tape.last_), mode_(tape.mode_), mark_(tape.arena_.mark()) {
      tape.last_ = nullptr;
      tape.mode_ = Mode::differentiate;
    }
    ~Replay() {
      tape_.last_ = last_;
      tape_.mode_ = mode_;
      tape_.arena_.rewind(mark_);
    }
    Replay(const Replay&) = delete;
    Replay& operator=(const Replay&) = delete;

   private:
    Tape& tape_;
    Closure* last_;
    Mode mode_;
    core::Arena::Mark mark_;
  };

  template <class F>
  void on_backward(F f) {
    static_assert(std::is_trivially_destructible_v<F>, "closures are dropped, never destroyed");
    struct Node : Closure {
      F f;
      Node(Closure* earlier, F g) : Closure{earlier, &call}, f(g) {}
      static void call(Closure* self) { static_cast<Node*>(self)->f(); }
    };
    last_ = new (arena_.bytes(sizeof(Node))) Node(last_, f);
  }

  /// Runs the closures in reverse. Seed the adjoints of the outputs before.
  void backward() {
    for (Closure* closure = last_; closure; closure = closure->previous) closure->run(closure);
    last_ = nullptr;
  }

 private:
  core::Arena arena_;
  Closure* last_ = nullptr;
  Mode mode_;
};

}  // namespace flowfit::autodiff
