// flowfit train: fits a config to a table and writes a run folder.
#include "commands/train.h"

#include <filesystem>

#include "commands/config_file.h"
#include "commands/init.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"
#include "terminal/log.h"
#include "terminal/progress.h"
#include "terminal/signals.h"
#include "training/train.h"

namespace flowfit::commands {
namespace {

constexpr const char* run_files[] = {"model.safetensors", "last.safetensors", "config.json", "metrics.jsonl"};

std::string default_run(const std::string& config) { return "runs/" + std::filesystem::path(config).stem().string(); }

// `--resume` from the run's own config.json is fine: it is written again as it is. A table is not.
void refuse_run_as_input(const std::string& run, const std::string& input) {
  for (const char* const name : run_files) refuse_overwriting((std::filesystem::path(run) / name).string(), input);
}

// A table given alone: a file that can be read twice, and not a config whose table was forgotten.
bool names_a_table(const std::string& path) {
  std::error_code none;
  return std::filesystem::path(path).extension() != ".json" && std::filesystem::is_regular_file(path, none);
}

std::string nll(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

/// A flow that a mixture of normals beats by more than chance and habit is not worth its time.
void tell_of_baselines(const training::Summary& summary) {
  constexpr double margin = 0.1;  // nats a row
  const auto beaten = [&summary](const std::optional<double>& baseline) {
    return summary.validation_nll && baseline && !(*summary.validation_nll <= *baseline + margin);
  };
  const bool by_normal = beaten(summary.gaussian_nll);
  if (!by_normal && !beaten(summary.mixture_nll)) return;
  terminal::notice("the flow scores the validation rows worse than a " +
                   std::string(by_normal ? "normal distribution" : "mixture of normals") + " does (nll " +
                   nll(*summary.validation_nll) + ", " + nll(by_normal ? *summary.gaussian_nll : *summary.mixture_nll) +
                   "): train longer, try another flow, or give columns with long tails \"preprocess\": \"quantile\"");
}

std::string finished_text(const training::Summary& summary) {
  std::string text = "step " + std::to_string(summary.steps) + ", " + terminal::duration(summary.seconds) + ", train nll " +
                     nll(summary.train_nll);
  if (summary.validation_nll)
    text += ", validation nll " + nll(*summary.validation_nll) + " (weights of step " + std::to_string(summary.best_step) + ")";
  return text + "; model in " + summary.model;
}

std::string_view reason(const std::string& stopped) {
  if (stopped == "patience") return "stopped early";
  if (stopped == "time_limit") return "time is up";
  if (stopped == "interrupted") return "interrupted, continue with --resume";
  return "done";
}

}  // namespace

std::string_view Train::help() const {
  return R"(usage: flowfit train [CONFIG] DATA [-o DIR] [options]

Fits the flow that CONFIG (JSON) describes to the rows of DATA (a table; "-" is standard input), and writes a run folder. DATA
alone, a file whose name does not end in .json, is given the config that `flowfit init DATA` prints. The folder holds
model.safetensors (the best weights), last.safetensors (for --resume), config.json (every default written out),
metrics.jsonl. The last line on standard output is a JSON object with the scores, in nats a row.

Options
  -o, --output DIR        run folder (default: runs/<name of CONFIG, or of DATA alone>); one that holds a run is refused
      --validation FILE   rows to validate on, instead of a share of DATA
      --delimiter C       what separates the fields of DATA: tab, semicolon, … (default: comma; tab for .tsv)
      --set KEY=VALUE     change the config, as often as needed: --set train.steps=2000 --set flow.0.univariate.bins=8
      --seed N            the same as --set train.seed=N
      --init MODEL        start from the weights and the preprocessing of a model with the same columns and flow (fine-tuning)
      --resume            continue the run in DIR; starts it when there is none, does nothing when it is finished
      --force             replace the run in DIR
      --stream            leave DATA, a .npy file, on disk and read its rows as they are needed, as is done by itself with a table
                          of more than a quarter of the memory; the model has the same bits either way
      --time-limit S      stop after S seconds of training with the best model so far

Ctrl-C writes a checkpoint and stops; a second one stops at once. What a config can say: docs/config.md.

Examples
  flowfit train data/circles.csv
  flowfit train configs/circles.json data/circles.csv -o runs/circles
  flowfit train configs/circles.json data/circles.csv --seed 1 --set train.optimizer.learning_rate=0.001
  flowfit train configs/circles.json data/circles.csv -o runs/circles --resume --set train.steps=20000
)";
}

void Train::options(Options& options) {
  options.positional("CONFIG", config_);
  options.positional("DATA", data_);
  options.value("-o,--output", output_);
  options.value("--validation", validation_);
  options.value("--delimiter", delimiter_);
  options.values("--set", assignments_);
  options.value("--seed", seed_);
  options.value("--init", init_);
  options.flag("--resume", resume_);
  options.flag("--force", force_);
  options.flag("--stream", stream_);
  options.value("--time-limit", time_limit_);
}

int Train::run(const Context& context) {
  const std::string& config = needed(config_, name(), "CONFIG and DATA");
  const bool alone = !data_ && names_a_table(config);
  const std::string& data = alone ? config : needed(data_, name(), "DATA after CONFIG");
  if (resume_ && force_) throw core::ConfigError("--force: expected without --resume; give one of them");
  if (validation_ && *validation_ == "-" && data == "-")
    throw core::ConfigError("--validation: standard input is DATA already; give a file");
  training::Request request;
  if (time_limit_) request.time_limit = positive_number("--time-limit", *time_limit_);
  std::vector<std::string> assignments = assignments_;
  if (seed_) assignments.push_back("train.seed=" + std::to_string(seed_number("--seed", *seed_)));
  request.directory = output_.value_or(default_run(config));
  if (request.directory.empty()) throw core::ConfigError("--output: expected a folder's name, got \"\"");
  const char delimiter = delimiter_option(delimiter_);
  request.config = alone ? assigned(advised_config(data, delimiter), data, assignments) : read_config(config, assignments);
  request.config_name = config;
  refuse_run_as_input(request.directory, data);
  if (validation_) refuse_run_as_input(request.directory, *validation_);
  const std::uint64_t most_bytes = stream_ ? 0 : core::memory_bytes() / 4;
  request.data = read_data(data, request.config, config, {.delimiter = delimiter, .most_bytes = most_bytes});
  if (stream_ && !request.data.file)
    throw core::ConfigError("--stream: expected a .npy file, not compressed, got " + data +
                            "; save the table as one (numpy.save), or leave --stream out");
  if (validation_)
    request.validation = read_data(*validation_, request.config, config,
                                   {.delimiter = delimiter, .like = &request.data, .most_bytes = most_bytes});
  if (request.data.file) terminal::notice(data + ": stays on disk; rows are read as they are needed");
  if (request.data.file || (request.validation && request.validation->file)) terminal::explain_lost_pages();
  request.init = init_;
  request.resume = resume_;
  request.force = force_;
  request.threads = context.threads;

  terminal::catch_signals();
  training::Summary summary;
  {
    terminal::TrainingView view(context);
    summary = training::train(request, view);
  }
  terminal::notice(std::string(reason(summary.stopped)) + ": " + finished_text(summary));
  tell_of_baselines(summary);
  core::Output out("-");
  out.buffer() += summary.json() + "\n";
  out.close();
  constexpr int of_signal = 128;
  return summary.interrupted() ? of_signal + terminal::caught_signal() : 0;
}

}  // namespace flowfit::commands
