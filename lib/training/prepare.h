// From a config and a table to what a trainer takes: settings, a fresh model, fitted columns.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/node.h"
#include "flow/typed_model.h"
#include "training/part.h"
#include "training/settings.h"

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

/// The columns fitted to the rows that train, or to those that are looked at of them, means and deviations of `standardize` weighted; limits are those of all
/// rows. Throws DataError.
data::Schema fit_schema(const Plan& plan, const Parts& parts);

/// Throws DataError for a row that a model which takes missing cells cannot score (flow/missing.h).
void refuse_inexact(const flow::Model& model, const Parts& parts);

/// What a person should know about the data before time is spent: ties, doubled and collinear columns, outliers. One line each.
std::vector<std::string> remarks(const data::Columns& columns, const std::vector<data::ColumnSpec>& specs);

}  // namespace flowfit::training
