// One training step, evaluations, and the state that a resume needs; no files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "flow/typed_model.h"
#include "training/optimizer.h"
#include "training/rows.h"
#include "training/settings.h"

namespace flowfit::training {

template <class T>
struct StepResult {
  double nll = 0;   ///< mean over the batch, each row by its weight, in the flow's units; of an ensemble, over its members too
  double norm = 0;  ///< of the gradient, before clipping; of an ensemble, the root mean square of its members'
};

/// Why a step has no finite loss or gradient, for a message.
struct Cause {
  std::vector<std::uint32_t> rows;  ///< of the training part, from 0, that make it so; empty where none does alone
  std::string where;      ///< what gives no number first: a layer (`flow.2`), `base`, or a parameter's gradient; "" where unknown
  bool backward = false;  ///< the loss is finite, its gradient is not
};

/// Everything that training changes.
template <class T>
struct State {
  std::int64_t step = 0, best_step = 0;
  std::vector<T> average;                    ///< moving average of the weights; empty without ema
  std::vector<T> best;                       ///< weights of the best evaluation; empty before the first
  std::optional<double> best_nll, last_nll;  ///< validation, in the flow's units
  int since_best = 0;                        ///< evaluations
  double loss_sum = 0;                       ///< of the steps since the last evaluation
  std::int64_t loss_count = 0;
  double rate_factor = 1;         ///< halved by each rollback
  int tries = 0;                  ///< rollbacks without an evaluation beyond the step that failed
  std::int64_t failed_step = -1;  ///< where the last of them began
};

/// A training at rest: all that a restart needs.
template <class T>
struct Snapshot {
  State<T> state;
  std::vector<T> weights, first_moment, second_moment;
};

/// Steps a model. Work is cut into blocks, and blocks into lanes, by the batch alone, so the bits do not depend on the pool.
template <class T>
class Trainer {
 public:
  Trainer(flow::TypedModel<T>& model, const Settings& settings, const Rows<T>& train, const Rows<T>& validation,
          core::ThreadPool& pool);

  std::size_t batch_rows() const { return batch_; }
  std::int64_t evaluate_every() const { return every_; }
  /// One optimizer step. After the first ones of its size it makes no heap allocation. The weights are left alone when the result is not finite.
  StepResult<T> step();
  /// Runs the rows of the step to come once more, and looks where they leave the numbers.
  Cause cause();
  /// Validation with the weights to be saved (averaged with ema): updates best and patience.
  void evaluate();
  bool out_of_patience() const { return settings_.patience && state_.since_best >= *settings_.patience; }
  /// The weights to be saved now: best, or averaged, or current. Valid until the next call that trains, evaluates or asks for them.
  const std::vector<T>& saved();

  /// Log-densities of rows under weights, in the flow's units.
  std::vector<double> scores(const Rows<T>& rows, const std::vector<T>& weights);
  /// Weighted mean of the negative log-likelihood of rows under weights, in the flow's units.
  double nll(const Rows<T>& rows, const std::vector<T>& weights);
  /// Rows whose score is not finite, in their order.
  std::vector<std::size_t> bad_rows(const Rows<T>& rows, const std::vector<T>& weights);

  State<T>& state() { return state_; }
  /// Copies everything that training changes into `snapshot`, reusing its memory.
  void save(Snapshot<T>& snapshot) const;
  void restore(const Snapshot<T>& snapshot);

 private:
  struct Lane {
    nn::Tape<T> tape;
    T* gradient = nullptr;
    std::unique_ptr<bool[]> untouched;  // Pass::untouched; masked weights' gradients stay 0, as they were made
    double sum = 0;
    std::vector<double> sums;  // Pass::sums
    typename Rows<T>::Buffer buffer;
  };
  /// Weights as they are evaluated and saved. Training normalizes by running statistics, which lag behind; what is evaluated, compared and saved has the exact
  /// ones of the training rows (Rows::looked_at) under these very weights, so the validation score that a model is chosen by is that of the file. Costs one
  /// pass over these rows; without such layers the weights are returned as they are.
  const std::vector<T>& frozen(const std::vector<T>& weights);
  void update_statistics(std::size_t rows);
  /// The places of the step to come in each member's order, which stands until the next call.
  struct Batch {
    std::size_t first, rows;
  };
  Batch next_batch();
  /// Block b of a batch, ready to be scored by a member; `inputs` wants the gradient by its rows too.
  struct Loaded {
    std::span<const std::uint32_t> ids;
    flow::Pass<T> pass;
    flow::Var<T> x, context;
  };
  Loaded load(Lane& lane, std::size_t member, const Batch& batch, std::size_t b, bool inputs);
  /// What a lane begins and ends a gradient with.
  void begin_gradient(Lane& lane) const;
  void end_gradient(Lane& lane) const;
  void run_lane(Lane& lane, std::size_t number, const Batch& batch);
  /// Draws anew where each whole number lies in its cell, for this step.
  void dequantize(nn::Tape<T>& tape, std::uint64_t seed, const std::uint64_t* row_ids, const double* whole, flow::Var<T> x) const;

  flow::TypedModel<T>& model_;
  Settings settings_;
  const Rows<T>&train_, &validation_;
  core::ThreadPool& pool_;
  Optimizer<T> optimizer_;
  State<T> state_;
  std::size_t batch_, steps_per_epoch_;
  std::int64_t every_, epoch_ = -1;
  std::vector<std::vector<std::uint32_t>> orders_;  // of each member: rows of this epoch, in the order they are used
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<T> gradients_;  // one vector a lane
  std::vector<T*> lane_gradients_;
  std::vector<double> sums_;  // of a batch
  std::vector<T> frozen_;
};

}  // namespace flowfit::training
