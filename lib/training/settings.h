// The "train" object of a config.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/node.h"

namespace flowfit::training {

struct OptimizerSettings {
  bool decoupled = false;  ///< adamw: weight decay apart from the gradient
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
};

struct ScheduleSettings {
  enum class Type { constant, cosine, step } type = Type::constant;
  int warmup = 0;      ///< steps over which the rate rises linearly from 0
  double final = 0.0;  ///< cosine: share of the rate at the last step
  int every = 1000;    ///< step: multiply by `factor` each `every` steps
  double factor = 0.1;
};

struct Settings {
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  std::int64_t steps = 5000;
  std::optional<int> batch_size;        ///< nothing: all rows each step ("full")
  std::optional<int> patience;          ///< evaluations without a better one before stopping
  std::optional<int> evaluate_every;    ///< steps; nothing: an epoch of mini-batches, 10 steps of full batches
  std::optional<double> gradient_clip;  ///< largest norm of the gradient
  std::optional<double> ema;            ///< decay of the weights' moving average
  double jitter = 0.0;                  ///< standard deviation of the noise added to preprocessed rows
  std::uint64_t seed = 0;

  static Settings read(const config::Node& train);

  /// Learning rate of a step (0-based).
  double learning_rate(std::int64_t step) const;
};

}  // namespace flowfit::training
