// What a model's scores are held against, from the rows that it was trained on and those held out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "flow/model.h"
#include "training/part.h"

namespace flowfit::training {

/// Fits the baselines of a schema to the rows that are looked at, and keeps `scores` of the validation rows (data units).
flow::Reference fit_reference(const data::Schema& schema, const Parts& parts, const std::vector<double>& scores,
                              std::uint64_t seed, core::ThreadPool& pool);

/// Negative mean log-density of the validation rows under the normal and the mixture of the model's reference, in data units; nothing without them.
std::pair<std::optional<double>, std::optional<double>> baseline_nlls(const flow::Model& model, const Parts& parts,
                                                                      core::ThreadPool& pool);

}  // namespace flowfit::training
