// What `check` finds out about a config, and about the data it is given: everything but the training.
#include <nlohmann/json.hpp>

#include "training/outside.h"
#include "training/prepare.h"
#include "training/train.h"

namespace flowfit::training {
namespace {

template <class T>
Checked checked_as(const Plan& plan, const data::Dataset* data, int threads) {
  const auto model = fresh_model<T>(plan);
  Checked checked;
  for (const auto& p : model->parameters()) checked.parameters += p.learned ? p.size : 0;
  checked.columns = plan.flow.columns.size();
  checked.context = plan.flow.context.size();
  checked.resolved = config::print_json(plan.document.resolved(), 2);
  if (data) {
    const Parts parts = split(plan.flow, *data, nullptr);
    model->set_schema(fit_schema(plan, parts));
    refuse_inexact(*model, parts);
    const Rows<T> train = encoded<T>(model->schema(), parts.train, plan.flow.seed),
                  validation = encoded<T>(model->schema(), parts.validation, plan.flow.seed);
    core::ThreadPool pool(threads);
    const Rows<T>& seen = train.looked_at();
    model->density().initialize(model->weights(), seen.x, seen.context, static_cast<Index>(seen.count), plan.flow.seed, pool);
    Trainer<T> trainer(*model, plan.training, train, validation, pool);
    refuse_rows_outside(trainer, *model, parts, train, validation);
    checked.remarks = remarks(parts.train.sample(plan.flow.seed).x(), plan.flow.column_specs);
  }
  return checked;
}

}  // namespace

Checked check(const std::string& config, const std::string& config_name, const data::Dataset* data, int threads) {
  Plan plan = read_plan(config, config_name, data ? std::optional<std::span<const std::string>>(data->names) : std::nullopt);
  if (data) take_categories(plan, *data);
  return plan.flow.float64 ? checked_as<double>(plan, data, threads) : checked_as<float>(plan, data, threads);
}

}  // namespace flowfit::training
