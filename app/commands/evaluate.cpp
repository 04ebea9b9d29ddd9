// flowfit evaluate: the mean log-density of a table, as JSON.
#include "commands/evaluate.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "commands/table.h"
#include "config/json.h"
#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"
#include "diagnostics/moments.h"
#include "flow/model.h"
#include "terminal/log.h"

namespace flowfit::commands {
namespace {

// JSON has no infinity: what is not a number is null.
config::Json number_or_null(double value) { return std::isfinite(value) ? config::Json(value) : config::Json(); }

}  // namespace

std::string_view Evaluate::help() const {
  return R"(usage: flowfit evaluate MODEL FILE

Prints one JSON object about the log-density of the rows of FILE (CSV; "-" is standard input), in nats and data units:
  rows                their number
  mean_logprob        the mean, and nll, its negative
  standard_error      of the mean; null for a single row
  bits_per_dimension  nll / (columns · ln 2)
  outside_support     rows with a density of zero; when there are any, the means are null

Example
  flowfit evaluate runs/circles test.csv
)";
}

void Evaluate::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
}

int Evaluate::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL and FILE");
  const std::string& file = needed(file_, name(), "FILE after MODEL");
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  refuse_overwriting("-", file);
  Table table(file, model->schema());
  core::ThreadPool pool(context.threads);
  diagnostics::Moments moments;
  std::vector<double> scores;
  std::size_t outside = 0;
  while (table.read()) {
    scores.resize(table.rows());
    model->log_prob(table.columns, table.context, scores, pool);
    for (const double score : scores) {
      if (std::isinf(score) && score < 0) ++outside;
      moments.add(score);
    }
  }
  if (table.total() == 0) throw core::DataError(table.reader().name() + ": expected rows of numbers, got a header only");
  if (outside > 0)
    terminal::warning(table.reader().name() + ": " + std::to_string(outside) + " of " + counted(table.total(), "row") +
                      (outside == 1 ? " lies" : " lie") + " outside the support (logprob -inf)");

  config::Json json;
  const double mean = outside > 0 ? -std::numeric_limits<double>::infinity() : moments.mean;
  json["rows"] = table.total();
  json["mean_logprob"] = number_or_null(mean);
  json["nll"] = number_or_null(-mean);
  json["standard_error"] = number_or_null(moments.standard_error());
  json["bits_per_dimension"] = number_or_null(-mean / (static_cast<double>(model->schema().columns.size()) * std::numbers::ln2));
  json["outside_support"] = outside;
  core::Output out("-");
  out.buffer() += config::print_json(json) + "\n";
  out.close();
  return 0;
}

}  // namespace flowfit::commands
