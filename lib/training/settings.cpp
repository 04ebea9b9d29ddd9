// Reading "train", and the learning rate's schedule.
#include "training/settings.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

namespace flowfit::training {
namespace {

constexpr config::Range positive{.low = 0.0, .high = 1e300, .open_low = true};

OptimizerSettings read_optimizer(const config::Node& node) {
  OptimizerSettings o;
  if (node.exists() && !node.expect_object()) return o;
  o.decoupled = node.choice("type", "adam", {"adam", "adamw"}) == "adamw";
  o.learning_rate = node.number("learning_rate", 1e-3, positive);
  o.beta1 = node.number("beta1", 0.9, {.low = 0.0, .high = 0.999999});
  o.beta2 = node.number("beta2", 0.999, {.low = 0.0, .high = 0.9999999});
  o.epsilon = node.number("epsilon", 1e-8, positive);
  o.weight_decay = node.number("weight_decay", o.decoupled ? 0.01 : 0.0, {.low = 0.0, .high = 1e300});
  node.finish();
  return o;
}

ScheduleSettings read_schedule(const config::Node& node) {
  ScheduleSettings s;
  if (node.exists() && !node.expect_object()) return s;
  const std::string type = node.choice("type", "constant", {"constant", "cosine", "step"});
  s.warmup = node.integer("warmup", 0, 0, 1000000000);
  if (type == "cosine") {
    s.type = ScheduleSettings::Type::cosine;
    s.final = node.number("final", 0.0, {.low = 0.0, .high = 1.0});
  } else if (type == "step") {
    s.type = ScheduleSettings::Type::step;
    s.every = node.integer("every", 1000, 1, 1000000000);
    s.factor = node.number("factor", 0.1, {.low = 0.0, .high = 1.0, .open_low = true});
  }
  node.finish();
  return s;
}

}  // namespace

Settings Settings::read(const config::Node& train) {
  Settings s;
  if (train.exists()) (void)train.expect_object();
  s.optimizer = read_optimizer(train.member("optimizer"));
  s.schedule = read_schedule(train.member("schedule"));
  s.steps = train.integer("steps", 5000, 1, 2000000000);
  if (const config::Node batch = train.member("batch_size"); batch.is_string() && batch.as_string() == "full")
    s.batch_size.reset();
  else if (batch.exists() && !batch.is_number())
    batch.error(R"(expected a number of rows or "full")");
  else
    s.batch_size = train.integer("batch_size", 512, 1, 100000000);
  s.patience = train.integer_or_null("patience", std::nullopt, 1, 1000000000);
  s.evaluate_every = train.integer_or_null("evaluate_every", std::nullopt, 1, 1000000000);
  s.gradient_clip = train.number_or_null("gradient_clip", std::nullopt, positive);
  s.ema = train.number_or_null("ema", std::nullopt, {.low = 0.0, .high = 0.9999999, .open_low = true});
  s.jitter = train.number("jitter", 0.0, {.low = 0.0, .high = 10.0});
  s.seed = train.seed("seed", 0);
  (void)train.has("dtype");  // read with the model
  train.finish();
  return s;
}

double Settings::learning_rate(std::int64_t step) const {
  const double at = static_cast<double>(step);
  double rate = optimizer.learning_rate;
  if (schedule.type == ScheduleSettings::Type::cosine) {
    const double span = std::max(1.0, static_cast<double>(steps - 1 - schedule.warmup));
    const double done = std::clamp((at - schedule.warmup) / span, 0.0, 1.0);
    rate *= schedule.final + (1 - schedule.final) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  } else if (schedule.type == ScheduleSettings::Type::step) {
    const std::int64_t cuts = step / schedule.every;
    rate *= std::pow(schedule.factor, static_cast<double>(cuts));
  }
  return at < schedule.warmup ? rate * (at + 1) / schedule.warmup : rate;
}

}  // namespace flowfit::training
