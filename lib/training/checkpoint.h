// last.safetensors: a training at rest, to go on from as if it had never stopped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "flow/typed_model.h"
#include "training/trainer.h"

namespace flowfit::training {

/// What a checkpoint says beside the weights.
template <class T>
struct Checkpoint {
  Snapshot<T> now;
  std::optional<Snapshot<T>> good;  ///< where a rollback would go, when that is another step
  std::string config;               ///< resolved, compact JSON
  std::string fingerprint;          ///< of the data's parsed values
  std::uint64_t metrics_bytes = 0;  ///< length of metrics.jsonl then
  double seconds = 0;               ///< of training so far
  std::string summary;              ///< JSON of a finished training; empty while it is under way
};

/// The model's archive with `train.…` tensors and the metadata `train` added. `model` holds the current weights.
template <class T>
std::string write_checkpoint(const flow::TypedModel<T>& model, const Checkpoint<T>& checkpoint);

/// Throws ModelError (with `where`) for anything that write_checkpoint did not write for a model of this size.
template <class T>
Checkpoint<T> read_checkpoint(const flow::TypedModel<T>& model, const flow::Archive& archive, const std::string& where);

/// The resolved config a checkpoint was made with, and its columns.
std::string checkpoint_config(const flow::Archive& archive, const std::string& where);
data::Schema checkpoint_schema(const flow::Archive& archive, const std::string& where);

}  // namespace flowfit::training
