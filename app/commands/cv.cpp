// flowfit cv: a training for each fold of a table, scored on the rows that it did not see.
#include "commands/cv.h"

#include <cstdlib>
#include <filesystem>

#include "commands/config_file.h"
#include "commands/json.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/statistics.h"
#include "flow/missing.h"
#include "flow/model.h"
#include "tables/table.h"
#include "terminal/log.h"
#include "terminal/progress.h"
#include "terminal/signals.h"
#include "training/folds.h"
#include "training/train.h"

namespace flowfit::commands {
namespace {

/// Where the runs go: the folder asked for, which stays, or one that is gone in the end.
class Runs {
 public:
  explicit Runs(const Text& asked) {
    if (asked) {
      path_ = *asked;
      return;
    }
    std::string name = (std::filesystem::temp_directory_path() / "flowfit-cv-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw core::IoError(name + ": cannot make a folder for the runs; give one with -o");
    path_ = temporary_ = name;
  }
  ~Runs() {
    std::error_code none;
    if (!temporary_.empty()) std::filesystem::remove_all(temporary_, none);
  }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  std::string run(int number) const { return path_ + "/fold" + std::to_string(number + 1); }

 private:
  std::string path_, temporary_;
};

/// Mean log-densities of rows that a model has not seen, weighted where the training was.
struct Scores {
  core::WeightedMean own, gaussian, mixture;
};
Scores held_out_scores(const std::string& run, const data::Dataset& held, core::ThreadPool& pool) {
  const std::unique_ptr<flow::Model> model = flow::load_model(run);
  const data::Columns columns = held.pick(model->schema().names()), context = held.pick(model->schema().context_names());
  std::vector<double> scores(held.rows());
  Scores result;
  const std::string weight = tables::data_word(*model, "weight");
  const std::vector<double> weights = weight.empty() ? std::vector<double>() : held.pick(std::span(&weight, 1)).front();
  const auto add = [&](core::WeightedMean& to) {
    for (std::size_t i = 0; i < scores.size(); ++i) to.add(scores[i], weights.empty() ? 1.0 : weights[i]);
  };
  if (model->takes_missing()) flow::refuse_inexact(*model, columns, context, [&](std::size_t) { return held.source; });
  model->log_prob(columns, context, scores, pool);
  add(result.own);
  for (const auto& [baseline, to] :
       {std::pair(&model->reference().gaussian, &result.gaussian), std::pair(&model->reference().mixture, &result.mixture)}) {
    if (baseline->empty()) continue;
    model->log_prob(*baseline, columns, context, scores, pool);
    add(*to);
  }
  return result;
}

}  // namespace

std::string_view Cv::help() const {
  return R"(usage: flowfit cv CONFIG DATA [--folds K] [options]

Cross-validation: cuts the rows of DATA, shuffled, into K folds, trains CONFIG K times on all folds but one, and scores that one.
The config's validation share is taken from the rows that train, so the held-out fold has no say in when a training stops. Prints
one JSON object: `nll` and `standard_error` of the mean over the folds (nats a row, data units), `gain_over_gaussian` and
`gain_over_mixture`, and under `folds` the figures of each.

Options
      --folds K         2 to 1000 (default: 5)
      --set KEY=VALUE   change the config, as in train
      --seed N          the same as --set train.seed=N; it shuffles the folds too
  -o, --output DIR      keep the runs, in DIR/fold1, DIR/fold2, ...; otherwise nothing is kept
      --delimiter C     what separates the fields of DATA: tab, semicolon, … (default: comma; tab for .tsv)

Example
  flowfit cv configs/circles.json data/circles.csv --folds 5 --set train.steps=500
)";
}

void Cv::options(Options& options) {
  options.positional("CONFIG", config_);
  options.positional("DATA", data_);
  options.value("--folds", folds_);
  options.values("--set", assignments_);
  options.value("--seed", seed_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
}

int Cv::run(const Context& context) {
  const std::string& config = needed(config_, name(), "CONFIG and DATA");
  const std::string& file = needed(data_, name(), "DATA after CONFIG");
  const int folds = folds_ ? static_cast<int>(whole_number("--folds", *folds_, 2, 1000)) : 5;
  std::vector<std::string> assignments = assignments_;
  if (seed_) assignments.push_back("train.seed=" + std::to_string(seed_number("--seed", *seed_)));
  training::Request request;
  request.config = read_config(config, assignments);
  request.config_name = config;
  request.threads = context.threads;
  const data::Dataset data = read_data(file, request.config, config, {.delimiter = delimiter_option(delimiter_)});
  const auto resolved = config::parse_json(training::check(request.config, config, &data, context.threads).resolved, config);
  const auto seed = resolved.at("train").at("seed").get<std::uint64_t>();
  const Runs runs(output_);
  core::ThreadPool pool(context.threads);

  terminal::catch_signals();
  config::Json list = config::Json::array();
  core::Moments nll, gaussian, mixture;
  for (int k = 0; k < folds; ++k) {
    training::Fold parts = training::fold(data, k, folds, seed);
    request.data = std::move(parts.train);
    request.directory = runs.run(k);
    terminal::notice("fold " + std::to_string(k + 1) + " of " + std::to_string(folds));
    training::Summary summary;
    {
      terminal::TrainingView view(context);
      summary = training::train(request, view);
    }
    terminal::stop_if_signalled();
    const Scores scores = held_out_scores(summary.run, parts.held, pool);
    if (scores.own.any()) nll.add(-scores.own.mean());  // none of a fold's rows may weigh anything
    if (scores.gaussian.any()) gaussian.add(scores.own.mean() - scores.gaussian.mean());
    if (scores.mixture.any()) mixture.add(scores.own.mean() - scores.mixture.mean());
    config::Json one{{"nll", scores.own.any() ? number_or_null(-scores.own.mean()) : config::Json()},
                     {"rows", parts.held.rows()},
                     {"train_nll", number_or_null(summary.train_nll)},
                     {"validation_nll", summary.validation_nll ? number_or_null(*summary.validation_nll) : config::Json()},
                     {"steps", summary.steps},
                     {"best_step", summary.best_step},
                     {"seconds", summary.seconds}};
    if (output_) one["run"] = summary.run;
    list.push_back(std::move(one));
  }
  print_line({{"nll", number_or_null(nll.mean)},
              {"standard_error", number_or_null(nll.standard_error())},
              {"gain_over_gaussian", gaussian.count > 0 ? number_or_null(gaussian.mean) : config::Json()},
              {"gain_over_mixture", mixture.count > 0 ? number_or_null(mixture.mean) : config::Json()},
              {"rows", data.rows()},
              {"folds", std::move(list)}});
  return 0;
}

}  // namespace flowfit::commands
