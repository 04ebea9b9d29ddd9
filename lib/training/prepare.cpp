// Reading the plan, making and fitting what it describes, and looking at the rows.
#include "training/prepare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_map>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "flow/expand.h"
#include "flow/missing.h"
#include "flow/model.h"
#include "training/collinear.h"

namespace flowfit::training {
namespace {

/// Standardizes a column by weighted values, where its config asks for it.
void standardize(data::Column& column, const data::ColumnSpec& spec, std::vector<double> values,
                 const std::vector<double>& weights) {
  if (spec.preprocess != data::Preprocess::standardize || spec.kind == data::Kind::categorical) return;
  column.loc = 0;
  column.scale = 1;
  for (double& value : values) value = column.at(value).value;  // its logarithm, or what its kind asks for
  column.standardize(values, weights);
}

std::string percent(double share) { return core::number(std::round(share * 1000) / 10) + " %"; }

/// The share of rows whose value stands in another row too, and the commonest value; `values` are sorted.
std::pair<double, double> ties(const std::vector<double>& values) {
  std::size_t tied = 0, longest = 0;
  double commonest = 0;
  for (std::size_t i = 0, j = 0; i < values.size(); i = j) {
    while (j < values.size() && values[j] == values[i]) ++j;
    if (j - i > 1) tied += j - i;
    if (j - i > longest) {
      longest = j - i;
      commonest = values[i];
    }
  }
  return {static_cast<double>(tied) / static_cast<double>(values.size()), commonest};
}

/// A model keeps the units it was made with: a config that asks for others would say what is not so.
void refuse_other_preprocessing(const Plan& plan, const flow::Archive& archive, const std::string& path) {
  const config::Document document = flow::expand(config::parse_json(archive.metadata.at("config"), path));
  const flow::Settings theirs = flow::Settings::read(document.root(), std::nullopt);
  const auto compare = [&path](const std::vector<data::ColumnSpec>& mine, const std::vector<data::ColumnSpec>& other) {
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const config::Json wanted = mine[i].to_json(data::Preprocess::standardize),
                         made = other[i].to_json(data::Preprocess::standardize);
      if (wanted != made)
        throw core::ConfigError("--init: " + path + ": its preprocessing stays, in which column " + core::quoted(mine[i].name) +
                                " is " + made.dump() + ", got " + wanted.dump() + "; write the same into the config");
    }
  };
  compare(plan.flow.column_specs, theirs.column_specs);
  compare(plan.flow.context_specs, theirs.context_specs);
}

}  // namespace

Plan read_plan(const std::string& config, const std::string& name, std::optional<std::span<const std::string>> header) {
  const config::Json json = config::parse_json(config, name);
  if (!json.is_object()) throw core::ConfigError(name + ": expected an object, such as {\"flow\": [ … ]}");
  Plan plan{flow::expand(json), {}, {}};
  const config::Node root = plan.document.root();
  plan.flow = flow::Settings::read(root, header);
  plan.training = Settings::read(root.member("train"));
  return plan;
}

void take_categories(Plan& plan, const data::Dataset& table) {
  for (auto* specs : {&plan.flow.column_specs, &plan.flow.context_specs})
    for (data::ColumnSpec& spec : *specs)
      if (spec.kind == data::Kind::categorical) spec.categories = table.categories(spec.name);
}

template <class T>
std::unique_ptr<flow::TypedModel<T>> fresh_model(const Plan& plan) {
  auto model = std::make_unique<flow::TypedModel<T>>(plan.document, plan.flow, data::Schema{});
  if (plan.flow.missing == flow::Missing::marginalize && model->density().keeps_statistics())
    plan.document.root().member("data").error_at(
        "missing", "batch_norm counts a batch's values in every column, so no cell may be missing; use act_norm, or \"drop\"");
  plan.document.root().finish();
  plan.document.check();
  model->set_config(plan.resolved());
  return model;
}

template <class T>
void start_from(flow::TypedModel<T>& model, const Plan& plan, const std::string& init) {
  const std::string path = flow::model_path(init);
  const flow::Archive archive = flow::read_archive(core::read_file(path), path);
  const data::Schema schema = flow::make_model(archive, path)->schema();
  if (schema.names() != plan.flow.columns || schema.context_names() != plan.flow.context)
    throw core::ConfigError("--init: " + path + ": expected a model of " + core::joined(plan.flow.columns) +
                            ", in this order, as the config has them, got one of " + core::joined(schema.names()));
  const auto refuse_other_kinds = [&](const std::vector<data::Column>& known, const std::vector<data::ColumnSpec>& specs) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i].kind != specs[i].kind || known[i].categories != specs[i].categories)
        throw core::ConfigError("--init: " + path + ": column " + core::quoted(known[i].name) +
                                " is of another kind there, or has other categories than the data");
    }
  };
  refuse_other_kinds(schema.columns, plan.flow.column_specs);
  refuse_other_kinds(schema.context, plan.flow.context_specs);
  refuse_other_preprocessing(plan, archive, path);
  model.set_schema(schema);
  try {
    model.load(archive, path);
  } catch (const core::ModelError& error) {
    throw core::ConfigError("--init: the config describes another flow than the model: " + std::string(error.what()) +
                            "; use the config.json of its run, and change only \"train\"");
  }
  model.set_reference({});
}

data::Schema fit_schema(const Plan& plan, const Parts& parts) {
  const Part sample = parts.train.sample(plan.flow.seed);
  if (plan.flow.missing == flow::Missing::marginalize && sample.count() < 2)
    throw core::DataError(core::message(parts.train.source(),
                                        "expected at least 2 rows without a missing cell, which units are fitted to",
                                        std::to_string(sample.count())));
  const data::Columns x = sample.x(), context = sample.context();
  data::Schema schema = data::Schema::fit(plan.flow.column_specs, x, plan.flow.context_specs, context, parts.extremes);
  if (sample.weights().empty()) return schema;
  for (std::size_t i = 0; i < schema.columns.size(); ++i)
    standardize(schema.columns[i], plan.flow.column_specs[i], x[i], sample.weights());
  for (std::size_t i = 0; i < schema.context.size(); ++i)
    standardize(schema.context[i], plan.flow.context_specs[i], context[i], sample.weights());
  return schema;
}

void refuse_inexact(const flow::Model& model, const Parts& parts) {
  if (!model.takes_missing()) return;
  for (const Part* part : {&parts.train, &parts.validation}) {
    part->by_chunks([&](std::size_t first, const data::Columns& x, const data::Columns& context) {
      const auto place = [&](std::size_t row) { return part->source() + ": row " + std::to_string(part->row(first + row) + 1); };
      flow::refuse_inexact(model, x, context, place);
      // In the flow's units a number outside the limits of an earlier model would look like a missing cell.
      for (std::size_t d = 0; d < x.size(); ++d)
        for (std::size_t i = 0; i < x[d].size(); ++i)
          if (std::isnan(model.schema().columns[d].at(x[d][i]).value) && !std::isnan(x[d][i]))
            throw core::DataError(core::message(
                place(i),
                "expected a number that column " + core::quoted(model.schema().columns[d].name) + " of the model can have",
                core::number(x[d][i]), "its density is zero there; leave such rows out"));
    });
  }
}

std::vector<std::string> remarks(const data::Columns& columns, const std::vector<data::ColumnSpec>& specs) {
  constexpr double most_ties = 0.05, far = 100;
  std::vector<std::string> found;
  const double n = columns.empty() ? 0 : static_cast<double>(columns.front().size());
  if (n < 2) return found;
  for (std::size_t d = 0; d < columns.size(); ++d) {
    const std::vector<double>& column = columns[d];
    // Ties are what whole numbers and categories are made of, and ranks and far values do no harm there.
    if (specs[d].kind == data::Kind::integer || specs[d].kind == data::Kind::categorical) continue;
    const std::string name = "column " + core::quoted(specs[d].name);
    std::vector<double> sorted = column;
    std::ranges::sort(sorted);
    const auto [tied, commonest] = ties(sorted);
    if (tied > most_ties) {
      const bool whole = std::ranges::all_of(column, [](double x) { return x == std::round(x); });
      found.push_back(name + ": " + percent(tied) + " of its values occur more than once (most often " + core::number(commonest) +
                      "); a density grows spikes there: " + (whole ? "give it \"kind\": \"integer\"" : "add \"train.jitter\"") +
                      ", or leave the column out");
    }
    // Against the middle half of the values: a mean and a deviation would be pulled along.
    const double low = sorted[sorted.size() / 4], middle = sorted[sorted.size() / 2], high = sorted[sorted.size() * 3 / 4];
    const double worst = std::abs(sorted.front() - middle) > std::abs(sorted.back() - middle) ? sorted.front() : sorted.back();
    if (high > low && std::abs(worst - middle) > far * (high - low))
      found.push_back(name + ": its value " + core::number(worst) + " lies more than " + core::number(far) +
                      " interquartile ranges from the median " + core::number(middle) +
                      "; it crushes the scale: is it an error?");
    for (std::size_t other = 0; other < d; ++other) {
      if (columns[other] == column)  // collinear as well, but in words that need no arithmetic
        found.push_back(name + " equals column " + core::quoted(specs[other].name) +
                        " in every row; the density is unbounded: leave one out");
    }
  }
  data::Columns numbers;
  std::vector<std::string> names;
  for (std::size_t d = 0; d < columns.size(); ++d) {
    if (specs[d].kind == data::Kind::categorical) continue;
    numbers.push_back(columns[d]);
    names.push_back(specs[d].name);
  }
  const std::vector<std::string> more = collinear(numbers, names);
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

#define FLOWFIT_INSTANTIATE(T)                                               \
  template std::unique_ptr<flow::TypedModel<T>> fresh_model<T>(const Plan&); \
  template void start_from<T>(flow::TypedModel<T>&, const Plan&, const std::string&);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::training
