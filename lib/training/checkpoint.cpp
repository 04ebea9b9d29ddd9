// Training state as tensors and one JSON object.
#include "training/checkpoint.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/error.h"

namespace flowfit::training {
namespace {

using config::Json;

// JSON has no infinity: a validation row outside the support makes one, and reading gives it back.
Json optional_number(const std::optional<double>& value) {
  if (!value) return nullptr;
  if (!std::isfinite(*value)) return "inf";
  return *value;
}

std::optional<double> optional_number(const Json& json) {
  if (json.is_null()) return std::nullopt;
  if (json.is_string()) return std::numeric_limits<double>::infinity();
  return json.get<double>();
}

template <class T>
Json state_json(const State<T>& s) {
  return {{"step", s.step},
          {"best_step", s.best_step},
          {"best_nll", optional_number(s.best_nll)},
          {"last_nll", optional_number(s.last_nll)},
          {"since_best", s.since_best},
          {"loss_sum", s.loss_sum},
          {"loss_count", s.loss_count},
          {"rate_factor", s.rate_factor},
          {"tries", s.tries},
          {"failed_step", s.failed_step}};
}

template <class T>
void read_state(const Json& json, State<T>& s) {
  json.at("step").get_to(s.step);
  json.at("best_step").get_to(s.best_step);
  s.best_nll = optional_number(json.at("best_nll"));
  s.last_nll = optional_number(json.at("last_nll"));
  json.at("since_best").get_to(s.since_best);
  json.at("loss_sum").get_to(s.loss_sum);
  json.at("loss_count").get_to(s.loss_count);
  json.at("rate_factor").get_to(s.rate_factor);
  json.at("tries").get_to(s.tries);
  json.at("failed_step").get_to(s.failed_step);
}

/// The vectors of a snapshot by name; `average` and `best` may be empty.
template <class Snapshot, class Use>
void each_vector(Snapshot& s, const std::string& prefix, Use use) {
  use(prefix + "weights", s.weights, false);
  use(prefix + "first_moment", s.first_moment, false);
  use(prefix + "second_moment", s.second_moment, false);
  use(prefix + "average", s.state.average, true);
  use(prefix + "best", s.state.best, true);
}

constexpr const char* now_prefix = "train.";
constexpr const char* good_prefix = "train.good.";

}  // namespace

template <class T>
std::string write_checkpoint(const flow::TypedModel<T>& model, const Checkpoint<T>& checkpoint) {
  flow::Archive archive = model.archive();
  Json train{{"fingerprint", checkpoint.fingerprint},
             {"metrics_bytes", checkpoint.metrics_bytes},
             {"seconds", checkpoint.seconds},
             {"summary", checkpoint.summary},
             {"now", state_json(checkpoint.now.state)}};
  const auto add = [&](const Snapshot<T>& snapshot, const std::string& prefix) {
    each_vector(snapshot, prefix, [&](const std::string& name, const std::vector<T>& values, bool) {
      if (!values.empty()) archive.tensors.push_back(flow::make_tensor<T>(name, {values.size()}, values));
    });
  };
  add(checkpoint.now, now_prefix);
  if (checkpoint.good) {
    train["good"] = state_json(checkpoint.good->state);
    add(*checkpoint.good, good_prefix);
  }
  archive.metadata["train"] = config::print_json(train);
  archive.metadata["config"] = checkpoint.config;
  return flow::write_archive(archive);
}

std::string checkpoint_config(const flow::Archive& archive, const std::string& where) {
  for (const char* key : {"train", "config", "schema"})
    if (!archive.metadata.contains(key))
      throw core::ModelError(where + ": not a checkpoint of a training; it holds a model alone");
  return archive.metadata.at("config");
}

data::Schema checkpoint_schema(const flow::Archive& archive, const std::string& where) {
  return data::Schema::from_json(config::parse_json(archive.metadata.at("schema"), where), where);
}

template <class T>
Checkpoint<T> read_checkpoint(const flow::TypedModel<T>& model, const flow::Archive& archive, const std::string& where) {
  Checkpoint<T> checkpoint;
  checkpoint.config = checkpoint_config(archive, where);
  const auto read = [&](Snapshot<T>& snapshot, const std::string& prefix) {
    each_vector(snapshot, prefix, [&](const std::string& name, std::vector<T>& values, bool may_miss) {
      const flow::Tensor* tensor = archive.find(name);
      // A flow without parameters has no weights to write.
      if (!tensor && (may_miss || model.weights().empty())) return;
      if (!tensor || tensor->size() != model.weights().size())
        throw core::ModelError(where + ": tensor \"" + name + "\" is missing or of another size");
      values = flow::tensor_values<T>(*tensor, where);
    });
  };
  try {
    const Json train = config::parse_json(archive.metadata.at("train"), "train");
    train.at("fingerprint").get_to(checkpoint.fingerprint);
    train.at("metrics_bytes").get_to(checkpoint.metrics_bytes);
    train.at("seconds").get_to(checkpoint.seconds);
    train.at("summary").get_to(checkpoint.summary);
    read_state(train.at("now"), checkpoint.now.state);
    read(checkpoint.now, now_prefix);
    if (train.contains("good")) {
      read_state(train.at("good"), checkpoint.good.emplace().state);
      read(*checkpoint.good, good_prefix);
    }
  } catch (const Json::exception&) {
    throw core::ModelError(where + ": its training state is not one that flowfit wrote");
  } catch (const core::ConfigError& error) {
    throw core::ModelError(where + ": metadata " + error.what());
  }
  return checkpoint;
}

#define FLOWFIT_INSTANTIATE(T)                                                                \
  template std::string write_checkpoint<T>(const flow::TypedModel<T>&, const Checkpoint<T>&); \
  template Checkpoint<T> read_checkpoint<T>(const flow::TypedModel<T>&, const flow::Archive&, const std::string&);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::training
