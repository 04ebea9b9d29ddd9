// flowfit evaluate: the mean log-density of a table, as JSON.
#include "commands/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "commands/json.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/statistics.h"
#include "core/text.h"
#include "flow/model.h"
#include "tables/table.h"
#include "terminal/log.h"

namespace flowfit::commands {
namespace {

/// Leaves out the rows with a missing cell, and returns how many there are then.
std::size_t keep_whole(data::Columns& x, data::Columns& context) {
  std::size_t kept = 0;
  for (std::size_t row = 0; row < x.front().size(); ++row) {
    if (std::ranges::any_of(x, [row](const std::vector<double>& column) { return std::isnan(column[row]); })) continue;
    for (data::Columns* part : {&x, &context})
      for (std::vector<double>& column : *part) column[kept] = column[row];
    ++kept;
  }
  for (data::Columns* part : {&x, &context})
    for (std::vector<double>& column : *part) column.resize(kept);
  return kept;
}

/// How the rows' base points fit the base where it is the standard normal: each such column by its distribution function, and their squared distance from the
/// origin by that of χ².
class BaseTests {
 public:
  explicit BaseTests(const flow::Model& model) : model_(model), normal_(model.traits().standard_normal) {
    columns_.resize(normal_.size());
    freedom_ = static_cast<int>(std::ranges::count(normal_, true));
  }

  void add(const data::Columns& columns, const data::Columns& context, std::size_t rows, core::ThreadPool& pool) {
    if (freedom_ == 0) return;
    // A whole number stands for its cell: somewhere in it, so that the base is tested and not the steps.
    data::Columns x = columns;
    model_.schema().dequantize(x, {0, core::Purpose::dequantize}, rows_);
    rows_ += rows;
    data::Columns given = context;
    rows = keep_whole(x, given);
    if (rows == 0) return;
    std::vector<double> log_det(rows), squares(rows, 0.0);
    const data::Columns z = model_.encode(x, given, log_det, pool);
    for (std::size_t d = 0; d < z.size(); ++d) {
      if (!normal_[d]) continue;
      for (std::size_t i = 0; i < rows; ++i) {
        columns_[d].add(core::normal_cdf(z[d][i]));
        squares[i] += z[d][i] * z[d][i];
      }
    }
    for (const double square : squares) radius_.add(core::chi_squared_cdf(square, freedom_));
  }

  config::Json columns() const {
    config::Json all;
    for (std::size_t d = 0; d < columns_.size(); ++d)
      all[model_.schema().columns[d].name] = normal_[d] ? test(columns_[d]) : config::Json();
    return all;
  }
  config::Json radius() const {
    if (freedom_ == 0) return {};
    config::Json json = test(radius_);
    json["degrees"] = freedom_;
    for (const auto& [key, level] : {std::pair("within_50", 0.5), std::pair("within_90", 0.9), std::pair("within_99", 0.99)})
      json[key] = radius_.share_below(level);
    return json;
  }

 private:
  static config::Json test(const core::Uniformity& u) { return {{"ks", u.distance()}, {"p_value", u.p_value()}}; }

  const flow::Model& model_;
  std::vector<bool> normal_;
  int freedom_ = 0;
  std::uint64_t rows_ = 0;  // so far
  std::vector<core::Uniformity> columns_;
  core::Uniformity radius_;
};

/// A baseline's scores beside the model's.
struct Against {
  const flow::Baseline& baseline;
  core::WeightedMean scores, gain;

  void add(const flow::Model& model, const tables::Table& table, std::span<const double> own, core::ThreadPool& pool) {
    if (baseline.empty()) return;
    std::vector<double> theirs(own.size());
    model.log_prob(baseline, table.columns, table.context, theirs, pool);
    for (std::size_t i = 0; i < own.size(); ++i) {
      const double weight = table.weighted() ? table.weights[i] : 1.0;
      scores.add(theirs[i], weight);
      gain.add(own[i] - theirs[i], weight);
    }
  }
  void tell(config::Json& json, const std::string& name) const {
    json[name + "_nll"] = scores.any() ? number_or_null(-scores.mean()) : config::Json();
    json["gain_over_" + name] = gain.any() ? number_or_null(gain.mean()) : config::Json();
  }
};

}  // namespace

std::string_view Evaluate::help() const {
  return R"(usage: flowfit evaluate MODEL FILE [--weight COLUMN] [--invalid error|skip]

Prints one JSON object about the log-density of the rows of FILE ("-" is standard input), in nats and data units:
  rows                their number
  mean_logprob        the mean, and nll, its negative
  standard_error      of the mean; null for a single row
  bits_per_dimension  nll / (columns · ln 2)
  outside_support     rows with a density of zero; when there are any, the means are null
  gaussian_nll, mixture_nll               of the same rows under a normal, and a mixture of normals, that training fitted
  gain_over_gaussian, gain_over_mixture   what the flow gains on them, nats a row; null in a model without baselines
  base_columns        the rows without missing cells mapped to the base: for each column the Kolmogorov-Smirnov distance from
                      the standard normal, and its p-value; null where the base is another one. A small one says that the
                      model is wrong there
  base_radius         the same for the squared distance from the origin against chi-squared, with the shares of rows inside
                      the balls that should hold 50, 90 and 99 %
  weight              the column that the rows were weighted by, or null

Options
      --weight COLUMN   weigh the rows by a column (default: the one the model was trained with, where FILE has it)
      --invalid error|skip
                        what to do with a row that has a cell that is no number (default: error; skip: leave it out)
      --delimiter C     what separates the fields of FILE: tab, semicolon, … (default: comma; tab for .tsv)

Examples
  flowfit evaluate runs/circles test.csv
  flowfit evaluate runs/survey test.csv.gz --weight person_weight
)";
}

void Evaluate::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
  options.value("--weight", weight_);
  options.value("--invalid", invalid_);
  options.value("--delimiter", delimiter_);
}

int Evaluate::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL and FILE");
  const std::string& file = needed(file_, name(), "FILE after MODEL");
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  refuse_overwriting("-", file);
  tables::TableWish wish;
  wish.delimiter = delimiter_option(delimiter_);
  wish.weight = weight_.value_or(tables::data_word(*model, "weight"));
  wish.weight_optional = !weight_;
  wish.bad = tables::bad_cells(*model);
  if (invalid_) wish.bad = choice("--invalid", *invalid_, {"error", "skip"}) == 1 ? data::BadCell::skip : data::BadCell::error;
  tables::Table table(file, model->schema(), wish);
  if (!table.weighted() && !wish.weight.empty())
    terminal::notice(table.reader().name() + ": no column " + core::quoted(wish.weight) +
                     ", which the model was trained with: the rows weigh the same");
  core::ThreadPool pool(context.threads);
  core::WeightedMean moments;
  Against gaussian{model->reference().gaussian, {}, {}}, mixture{model->reference().mixture, {}, {}};
  BaseTests tests(*model);
  std::vector<double> scores;
  std::size_t outside = 0;
  while (table.read()) {
    if (wish.bad == data::BadCell::keep_missing) tables::refuse_inexact(table, *model, table.columns, table.context);
    scores.resize(table.rows());
    model->log_prob(table.columns, table.context, scores, pool);
    for (std::size_t row = 0; row < scores.size(); ++row) {
      const double weight = table.weighted() ? table.weights[row] : 1.0;
      if (!(weight >= 0))
        throw core::DataError(table.reader().name() + ": expected weights of at least 0, got " + wish.weight + " = " +
                              core::number(weight));
      if (std::isinf(scores[row]) && scores[row] < 0 && weight > 0) ++outside;
      moments.add(scores[row], weight);
    }
    gaussian.add(*model, table, scores, pool);
    mixture.add(*model, table, scores, pool);
    tests.add(table.columns, table.context, scores.size(), pool);
  }
  if (table.total() == 0) throw core::DataError(table.reader().name() + ": expected rows of numbers, got a header only");
  if (!moments.any())
    throw core::DataError(table.reader().name() + ": expected a weight above 0, got none in column " + core::quoted(wish.weight));
  tables::tell_skipped(table, "cell that is no number");
  if (outside > 0)
    terminal::warning(table.reader().name() + ": " + std::to_string(outside) + " of " + core::counted(table.total(), "row") +
                      (outside == 1 ? " lies" : " lie") + " outside the support (logprob -inf)");

  config::Json json;
  const double mean = outside > 0 ? -std::numeric_limits<double>::infinity() : moments.mean();
  json["rows"] = table.total();
  json["mean_logprob"] = number_or_null(mean);
  json["nll"] = number_or_null(-mean);
  json["standard_error"] = number_or_null(moments.standard_error());
  json["bits_per_dimension"] = number_or_null(-mean / (static_cast<double>(model->schema().columns.size()) * std::numbers::ln2));
  json["outside_support"] = outside;
  gaussian.tell(json, "gaussian");
  mixture.tell(json, "mixture");
  json["base_columns"] = tests.columns();
  json["base_radius"] = tests.radius();
  json["weight"] = table.weighted() ? config::Json(wish.weight) : config::Json();
  print_line(json);
  return 0;
}

}  // namespace flowfit::commands
