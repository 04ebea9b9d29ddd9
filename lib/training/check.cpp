// What `check` finds out about a config, and about the data it is given: everything but the training.
#include <nlohmann/json.hpp>

#include "training/prepare.h"
#include "training/train.h"

namespace flowfit::training {

Checked check(const std::string& config, const std::string& config_name, const data::Dataset* data) {
  Plan plan = read_plan(config, config_name, data ? std::optional<std::span<const std::string>>(data->names) : std::nullopt);
  if (data) take_categories(plan, *data);
  const auto model = fresh_model<double>(plan);
  Checked checked;
  for (const auto& p : model->parameters()) checked.parameters += p.learned ? p.size : 0;
  checked.columns = plan.flow.columns.size();
  checked.context = plan.flow.context.size();
  checked.resolved = config::print_json(plan.document.resolved(), 2);
  if (data) {
    const Parts parts = split(plan.flow, *data, nullptr);
    model->set_schema(fit_schema(plan, parts));
    refuse_inexact(*model, parts);
    checked.remarks = remarks(parts.train.sample(plan.flow.seed).x(), plan.flow.column_specs);
  }
  return checked;
}

}  // namespace flowfit::training
