// From a config and a table to what a trainer takes: settings, a fresh model, rows in the flow's units.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/node.h"
#include "data/dataset.h"
#include "flow/settings.h"
#include "flow/typed_model.h"
#include "training/settings.h"
#include "training/trainer.h"

namespace flowfit::training {

/// A config as read, every default written out.
struct Plan {
  config::Document document;
  flow::Settings flow;
  Settings training;

  std::string resolved() const { return config::print_json(document.resolved()); }
};

/// Reads a config's text, all of it but the layers, which a model's construction reads. `header`: the data's column names, where there are any.
Plan read_plan(const std::string& config, const std::string& name, std::optional<std::span<const std::string>> header);

/// Takes over the categories that the table has in the plan's columns: the model needs their numbers.
void take_categories(Plan& plan, const data::Dataset& table);

/// A model of the plan with its first weights. Throws ConfigError with every mistake of the config.
template <class T>
std::unique_ptr<flow::TypedModel<T>> fresh_model(const Plan& plan);

/// Gives `model` the weights and the preprocessing of another one (a run folder or a file): its units are those that its weights know. Throws ConfigError where
/// the other has other columns or layers.
template <class T>
void start_from(flow::TypedModel<T>& model, const Plan& plan, const std::string& init);

/// The two parts of the data, in data units.
struct Parts {
  data::Columns train, train_context, validation, validation_context;
  std::vector<double> train_weights, validation_weights;  ///< of the rows, all > 0; empty without `data.weight`
  std::string fingerprint;                                ///< of both parts' values
  std::size_t train_rows = 0, validation_rows = 0;
};

/// Splits `table` by `data.validation` (rows drawn by the seed, kept in their order), or takes `validation` for the second part. Rows of weight 0 are in
/// neither. Throws DataError, for a weight below 0 too.
Parts split(const Plan& plan, const data::Dataset& table, const data::Dataset* validation);

/// The columns fitted to the rows that train, means and deviations of `standardize` weighted; limits are those of all rows. Throws DataError.
data::Schema fit_schema(const Plan& plan, const Parts& parts);

/// Rows of data units → flow units, in place; `log_det`: see data::Schema::encode. Whole numbers move to the same points of their cells in each call.
void to_flow_units(const data::Schema& schema, data::Columns& columns, data::Columns& context, std::span<double> log_det,
                   std::uint64_t seed);

/// One part in the flow's units. `weights`: of its rows, or none. What is scored at the points of whole numbers is a bound of their probability, in the mean.
template <class T>
Rows<T> encoded(const data::Schema& schema, data::Columns columns, data::Columns context, std::size_t count, std::uint64_t seed,
                const std::vector<double>& weights = {});

/// What a person should know about the data before time is spent: ties, doubled and collinear columns, outliers. One line each.
std::vector<std::string> remarks(const data::Columns& columns, const std::vector<data::ColumnSpec>& specs);

}  // namespace flowfit::training
