// Fitting a config to data: one call, one run directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace flowfit::training {

struct Request {
  std::string config;       ///< JSON text, every override applied (`--set`, `--seed`)
  std::string config_name;  ///< for messages: the config's path
  data::Dataset data;
  std::optional<data::Dataset> validation;  ///< instead of a split
  std::string directory;                    ///< the run directory
  std::optional<std::string> init;  ///< a model (run folder or file) whose weights and preprocessing the training starts from
  bool resume = false, force = false;
  int threads = 1;
  std::optional<double> time_limit;  ///< seconds of training
};

/// One step, or one evaluation, of a training that is under way. Nats a row, data units.
struct Progress {
  std::int64_t step = 0, steps = 0;
  double train_nll = 0;                  ///< of the last batch, with dropout and jitter
  std::optional<double> validation_nll;  ///< of the last evaluation
  std::optional<double> best_nll;
  double learning_rate = 0, gradient_norm = 0;
  double seconds = 0;  ///< of training so far, earlier runs included
  double rows_per_second = 0;
  bool evaluated = false;  ///< this call follows an evaluation
};

/// What a caller hears, always from the calling thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void begin(std::string_view what) { (void)what; }            ///< one line about rows, columns, parameters
  virtual void progress(const Progress& progress) { (void)progress; }  ///< after every step: be quick
  virtual void notice(std::string_view text) { (void)text; }
  /// Asked after every step; true: write a checkpoint and return with `Summary::interrupted`.
  virtual bool stop() { return false; }
};

struct Summary {
  std::string run, model;
  std::int64_t steps = 0, best_step = 0;
  double train_nll = 0;                  ///< saved weights, all training rows
  std::optional<double> validation_nll;  ///< saved weights, all validation rows
  std::optional<double> gaussian_nll;    ///< the same rows under a normal fitted to the training rows
  std::optional<double> mixture_nll;     ///< and under a mixture of normals
  double seconds = 0;
  std::size_t rows = 0, validation_rows = 0, parameters = 0;
  std::string stopped;  ///< "steps", "patience", "time_limit", "interrupted"; of a finished run that is resumed, what it was then
  bool interrupted() const { return stopped == "interrupted"; }
  std::string json() const;  ///< one line
  static Summary parse(const std::string& json);
};

/// Trains. Writes config.json, metrics.jsonl, last.safetensors and model.safetensors into the run directory; until the first checkpoint a failure leaves no file.
/// Throws ConfigError (config; the folder holds a run; another training has it), DataError, ModelError (a resume's checkpoint), DivergedError, IoError.
Summary train(const Request& request, Observer& observer);

/// Everything `train` would refuse before its first step, without training: ConfigError with all messages, or DataError. `data` may be null: then data.columns
/// must name the columns. Returns the resolved config (JSON text), the number of parameters, and remarks about the data (ties, duplicated columns, outliers).
struct Checked {
  std::string resolved;
  std::size_t parameters = 0, columns = 0, context = 0;
  std::vector<std::string> remarks;
};
Checked check(const std::string& config, const std::string& config_name, const data::Dataset* data, int threads);

}  // namespace flowfit::training
