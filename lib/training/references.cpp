// What a model's scores are held against, from the rows that it was trained on and those held out.
#include "training/references.h"

#include <numeric>

namespace flowfit::training {

flow::Reference fit_reference(const data::Schema& schema, const Parts& parts, const std::vector<double>& scores,
                              std::uint64_t seed, core::ThreadPool& pool) {
  // Categories have baselines of their own.
  const auto numbers = [&](data::Columns columns, data::Columns context, std::size_t count) {
    if (count > 0) to_flow_units(schema, columns, context, {}, seed);
    return std::pair(flow::numbers_of(schema.columns, std::move(columns)), flow::numbers_of(schema.context, std::move(context)));
  };
  const auto train = numbers(parts.train, parts.train_context, parts.train_rows),
             held = numbers(parts.validation, parts.validation_context, parts.validation_rows);
  flow::Reference reference;
  flow::fit_baselines(reference, {train.first, train.second, parts.train_rows}, {held.first, held.second, parts.validation_rows},
                      seed, pool);
  reference.fit_shares(schema.columns, parts.train);
  if (parts.validation_rows > 0) reference.keep_scores(scores, seed);
  return reference;
}

std::pair<std::optional<double>, std::optional<double>> baseline_nlls(const flow::Model& model, const Parts& parts,
                                                                      core::ThreadPool& pool) {
  if (parts.validation_rows == 0 || model.reference().gaussian.empty()) return {};
  const auto nll = [&](const flow::Baseline& baseline) {
    std::vector<double> scores(parts.validation_rows);
    model.log_prob(baseline, parts.validation, parts.validation_context, scores, pool);
    return -std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
  };
  return {nll(model.reference().gaussian), nll(model.reference().mixture)};
}

}  // namespace flowfit::training
