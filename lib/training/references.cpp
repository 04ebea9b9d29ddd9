// What a model's scores are held against, from the rows that it was trained on and those held out.
#include "training/references.h"

#include "core/statistics.h"
#include "training/rows.h"

namespace flowfit::training {

flow::Reference fit_reference(const data::Schema& schema, const Parts& parts, const std::vector<double>& scores,
                              std::uint64_t seed, core::ThreadPool& pool) {
  const Part train = parts.train.sample(seed), held = parts.validation.sample(seed);
  const auto numbers = [&](const Part& part, data::Columns x) {
    data::Columns context = part.context();
    if (part.count() > 0) to_flow_units(schema, x, context, {}, seed);
    return std::pair(flow::numbers_of(schema.columns, std::move(x)), flow::numbers_of(schema.context, std::move(context)));
  };
  flow::Reference reference;
  data::Columns x = train.x();
  reference.fit_shares(schema.columns, x);  // categories have a baseline of their own
  const auto fitted = numbers(train, std::move(x)), judging = numbers(held, held.x());
  if (train.count() >= 2)
    flow::fit_baselines(reference, {fitted.first, fitted.second, train.count()}, {judging.first, judging.second, held.count()},
                        seed, pool);
  std::vector<double> of_whole;  // others are no measure for a row of all cells
  for (const std::uint32_t place : parts.validation.whole()) of_whole.push_back(scores[place]);
  if (!of_whole.empty()) reference.keep_scores(of_whole, seed);
  return reference;
}

std::pair<std::optional<double>, std::optional<double>> baseline_nlls(const flow::Model& model, const Parts& parts,
                                                                      core::ThreadPool& pool) {
  if (parts.validation.count() == 0 || model.reference().gaussian.empty()) return {};
  const std::vector<double>& weights = parts.validation.weights();
  const auto nll = [&](const flow::Baseline& baseline) {
    core::WeightedMean mean;
    parts.validation.by_chunks([&](std::size_t first, const data::Columns& x, const data::Columns& context) {
      std::vector<double> scores(x.front().size());
      model.log_prob(baseline, x, context, scores, pool);
      for (std::size_t i = 0; i < scores.size(); ++i) mean.add(scores[i], weights.empty() ? 1.0 : weights[first + i]);
    });
    return -mean.mean();
  };
  return {nll(model.reference().gaussian), nll(model.reference().mixture)};
}

}  // namespace flowfit::training
