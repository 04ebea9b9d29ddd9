// One training from a request to a run directory: steps, evaluations, checkpoints, rollbacks, the summary.
#include "training/train.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "config/json.h"
#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"
#include "training/checkpoint.h"
#include "training/outside.h"
#include "training/prepare.h"
#include "training/references.h"
#include "training/rows.h"
#include "training/run_directory.h"
#include "training/same_config.h"
#include "training/trainer.h"

namespace flowfit::training {
namespace {

using config::Json, config::number_or_null;
using Clock = std::chrono::steady_clock;

constexpr double checkpoint_seconds = 20;  ///< of training between two checkpoints
constexpr double metrics_seconds = 0.5;    ///< before evaluations are visible in metrics.jsonl
constexpr int most_tries = 3;              ///< rollbacks before training gives up

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
class Training {
 public:
  Training(const Request& request, const Plan& plan, std::unique_ptr<flow::TypedModel<T>> model, Observer& observer)
      : request_(request),
        plan_(plan),
        observer_(observer),
        model_(std::move(model)),
        pool_(request.threads),
        parts_(split(plan.flow, request.data, request.validation ? &*request.validation : nullptr)) {}

  Summary run() {
    RunDirectory directory(request_.directory, request_.resume, request_.force);
    directory_ = &directory;
    std::optional<Checkpoint<T>> last;
    if (directory.resumes())
      last = read_last();
    else if (request_.init)
      start_from(*model_, plan_, *request_.init);
    else
      model_->set_schema(fit_schema(plan_, parts_));
    refuse_inexact(*model_, parts_);
    train_ = encoded<T>(model_->schema(), parts_.train, plan_.flow.seed);
    validation_ = encoded<T>(model_->schema(), parts_.validation, plan_.flow.seed);
    say_what();
    if (const Rows<T>& seen = train_.looked_at(); !last && !request_.init)
      model_->density().initialize(model_->weights(), seen.x, seen.context, static_cast<Index>(seen.count), plan_.flow.seed,
                                   pool_);
    Trainer<T> trainer(*model_, plan_.training, train_, validation_, pool_);
    trainer_ = &trainer;
    std::size_t metrics_start = 0;
    if (last) {
      if (auto done = resume(*last, metrics_start)) return *done;
    } else {
      refuse_rows_outside(trainer, *model_, parts_, train_, validation_);
      trainer.save(good_);
    }
    core::Appender metrics(directory.file("metrics.jsonl"), metrics_start);
    metrics_ = &metrics;
    const std::string stopped = loop();
    return finish(stopped);
  }

 private:
  void say_what() {
    std::string text = std::to_string(train_.count) + " rows to train on, " + std::to_string(validation_.count) +
                       " to validate on, " + std::to_string(plan_.flow.columns.size()) +
                       (plan_.flow.columns.size() == 1 ? " column" : " columns");
    if (!plan_.flow.context.empty()) text += " given " + std::to_string(plan_.flow.context.size());
    text += ", " + std::to_string(parameter_count()) + " parameters, " + std::to_string(pool_.size()) +
            (pool_.size() == 1 ? " thread" : " threads");
    observer_.begin(text);
    const data::Columns seen = parts_.train.sample(plan_.flow.seed).x();
    for (const std::string& remark : remarks(seen, plan_.flow.column_specs)) observer_.notice(remark);
  }

  std::size_t parameter_count() const {
    std::size_t count = 0;
    for (const auto& p : model_->parameters()) count += p.learned ? p.size : 0;
    return count;
  }

  /// last.safetensors, which is of this config and of these rows. The model takes its preprocessing: that of a run with `init` is not what rows are fitted to.
  Checkpoint<T> read_last() {
    const std::string path = directory_->file("last.safetensors");
    directory_->keep();
    const flow::Archive archive = flow::read_archive(core::read_file(path), path);
    refuse_other_config(plan_.resolved(), checkpoint_config(archive, path), path);
    model_->set_schema(checkpoint_schema(archive, path));
    model_->load(archive, path);
    Checkpoint<T> checkpoint = read_checkpoint(*model_, archive, path);
    if (checkpoint.fingerprint != parts_.fingerprint)
      throw core::DataError(request_.data.source + ": expected the data that the run in " + path + " was begun with (" +
                            checkpoint.fingerprint + "), got " + parts_.fingerprint +
                            "; resume with that data, or train into another folder");
    return checkpoint;
  }

  /// Goes on from there; a summary when there is nothing left to do.
  std::optional<Summary> resume(Checkpoint<T>& checkpoint, std::size_t& metrics_start) {
    if (!checkpoint.summary.empty()) {
      Json json = config::parse_json(checkpoint.summary, directory_->file("last.safetensors"));
      // More steps may have been asked for; patience that has run out stays so.
      if (json.at("stopped") != "steps" || checkpoint.now.state.step >= plan_.training.steps) {
        json["run"] = directory_->path();
        json["model"] = directory_->file("model.safetensors");
        return Summary::parse(json.dump());
      }
    }
    model_->set_reference({});  // of the weights that were
    trainer_->restore(checkpoint.now);
    promising_ = checkpoint.good && trainer_->state().step % trainer_->evaluate_every() == 0;
    if (promising_) next_ = checkpoint.now;
    good_ = checkpoint.good ? std::move(*checkpoint.good) : std::move(checkpoint.now);
    seconds_before_ = checkpoint.seconds;
    metrics_start = static_cast<std::size_t>(checkpoint.metrics_bytes);
    checkpointed_ = true;
    observer_.notice("resuming at step " + std::to_string(trainer_->state().step));
    return std::nullopt;
  }

  double seconds() const { return seconds_before_ + seconds_since(start_); }

  std::string loop() {
    start_ = last_checkpoint_ = last_metrics_ = Clock::now();
    const std::int64_t first = trainer_->state().step;
    if (trainer_->out_of_patience()) return "patience";  // killed between the two checkpoints of a run's end
    while (trainer_->state().step < plan_.training.steps) {
      const StepResult<T> result = trainer_->step();
      if (!std::isfinite(result.nll) || !std::isfinite(result.norm)) {
        roll_back();
        continue;
      }
      if (promising_) std::swap(good_, next_);
      promising_ = false;
      const State<T>& state = trainer_->state();
      const bool evaluates = state.step % trainer_->evaluate_every() == 0 || state.step == plan_.training.steps;
      if (evaluates) evaluate(result);
      Progress progress;
      progress.step = state.step;
      progress.steps = plan_.training.steps;
      progress.train_nll = result.nll - train_.log_det;
      if (state.last_nll) progress.validation_nll = *state.last_nll - validation_.log_det;
      if (state.best_nll) progress.best_nll = *state.best_nll - validation_.log_det;
      progress.learning_rate = state.rate_factor * plan_.training.learning_rate(state.step - 1);
      progress.gradient_norm = result.norm;
      progress.seconds = seconds();
      progress.rows_per_second = static_cast<double>(state.step - first) * static_cast<double>(trainer_->batch_rows()) /
                                 std::max(1e-9, progress.seconds - seconds_before_);
      progress.evaluated = evaluates;
      observer_.progress(progress);
      if (trainer_->out_of_patience() && evaluates) return "patience";
      if (observer_.stop()) return "interrupted";
      if (request_.time_limit && seconds_since(start_) >= *request_.time_limit) return "time_limit";
      // The end writes its own, whole.
      const bool first_one = evaluates && !checkpointed_ && state.step < plan_.training.steps;
      if (first_one || seconds_since(last_checkpoint_) >= checkpoint_seconds) checkpoint({}, saved_record("under way"));
    }
    return "steps";
  }

  void evaluate(const StepResult<T>& result) {
    trainer_->evaluate();
    State<T>& state = trainer_->state();
    if (state.step > state.failed_step) state.tries = 0;
    const auto in_data_units = [&](const std::optional<double>& nll) {
      return nll ? std::optional(*nll - validation_.log_det) : std::nullopt;
    };
    const Json line{
        {"step", state.step},
        {"train_nll",
         number_or_null(state.loss_sum / static_cast<double>(std::max<std::int64_t>(state.loss_count, 1)) - train_.log_det)},
        {"validation_nll", number_or_null(in_data_units(state.last_nll))},
        {"learning_rate", state.rate_factor * plan_.training.learning_rate(state.step - 1)},
        {"gradient_norm", result.norm},
        {"seconds", seconds()}};
    state.loss_sum = 0;
    state.loss_count = 0;
    metrics_->append(config::print_json(line) + "\n");
    if (checkpointed_ && seconds_since(last_metrics_) >= metrics_seconds) {
      metrics_->flush();
      last_metrics_ = Clock::now();
    }
    trainer_->save(next_);
    promising_ = true;
  }

  /// `no finite score at flow.2 for x1 = 3, x2 = 1 (row 5 of the training part)`, and its like.
  std::string cause_text() {
    const Cause cause = trainer_->cause();
    std::string text = cause.backward ? "a gradient that is not finite" : "no finite score";
    if (!cause.where.empty()) text += " at " + cause.where;
    if (!cause.rows.empty())
      text += " for " + row_text(model_->schema(), parts_.train, cause.rows.front(), cause.rows.size(), "training");
    return text;
  }

  /// Back to the state that is known to be good; the best weights so far stay.
  void restore_good() {
    const State<T> before = trainer_->state();
    trainer_->restore(good_);
    State<T>& state = trainer_->state();
    state.best = before.best;
    state.best_nll = before.best_nll;
    state.best_step = before.best_step;
    promising_ = false;
  }

  /// Back to good weights, with half the rate.
  void roll_back() {
    const std::int64_t failed = trainer_->state().step;
    const int tries = trainer_->state().tries + 1;
    if (tries > most_tries) {
      const std::string why = cause_text();
      restore_good();
      // What is on disk may be of weights that no step had tried.
      const State<T>& state = trainer_->state();
      if (checkpointed_ || state.step > 0 || (state.best_nll && std::isfinite(*state.best_nll)))
        checkpoint({}, saved_record("diverged"));
      throw core::DivergedError("step " + std::to_string(failed + 1) + ": expected a finite loss and gradient, got " + why +
                                " after " + std::to_string(most_tries) +
                                " tries at half the rate each; lower train.optimizer.learning_rate, or set train.gradient_clip" +
                                (checkpointed_ ? "; the best model before, of step " + std::to_string(best_step()) +
                                                     ", is kept in " + directory_->path()
                                               : std::string()));
    }
    restore_good();
    State<T>& state = trainer_->state();
    state.tries = tries;
    state.failed_step = failed;
    state.rate_factor *= 0.5;
    good_.state.tries = tries;
    good_.state.failed_step = failed;
    good_.state.rate_factor = state.rate_factor;
    observer_.notice("step " + std::to_string(failed + 1) + " gave a loss or gradient that is not finite: back to step " +
                     std::to_string(state.step) + ", learning rate times " + core::number(state.rate_factor));
  }

  std::int64_t best_step() const {
    const State<T>& state = trainer_->state();
    return state.best.empty() ? state.step : state.best_step;
  }

  Json saved_record(const std::string& stopped) const {
    const State<T>& state = trainer_->state();
    return {{"steps", state.step},
            {"best_step", best_step()},
            {"stopped", stopped},
            {"rows", train_.count},
            {"validation_rows", validation_.count}};
  }

  /// model.safetensors, then last.safetensors: both stay whole, and the second never runs ahead. One comes before the first model, so that --resume always can.
  void checkpoint(const std::string& summary, const Json& record) {
    if (!checkpointed_) write_last({});
    if (!config_written_)
      core::write_file(directory_->file("config.json"), config::print_json(plan_.document.resolved(), 2) + "\n");
    config_written_ = true;
    model_->set_record(config::print_json(record));
    const std::vector<T> now = model_->weights();
    model_->weights() = trainer_->saved();
    const std::string best = flow::write_archive(model_->archive());
    model_->weights() = now;
    core::write_file(directory_->file("model.safetensors"), best);
    write_last(summary);
    last_checkpoint_ = last_metrics_ = Clock::now();
  }

  void write_last(const std::string& summary) {
    metrics_->flush();
    Checkpoint<T> c;
    trainer_->save(c.now);
    if (good_.state.step != c.now.state.step) c.good = good_;
    c.config = plan_.resolved();
    c.fingerprint = parts_.fingerprint;
    c.metrics_bytes = metrics_->bytes();
    c.seconds = seconds();
    c.summary = summary;
    core::write_file(directory_->file("last.safetensors"), write_checkpoint(*model_, c));
    directory_->keep();
    checkpointed_ = true;
  }

  /// Under the saved weights, in data units, as `evaluate` gives them: where rows are cells, not the bound that was trained.
  std::vector<double> saved_scores(const Part& part) {
    const std::vector<T> now = model_->weights();
    model_->weights() = trainer_->saved();
    std::vector<double> scores(part.count());
    part.by_chunks([&](std::size_t first, const data::Columns& x, const data::Columns& context) {
      model_->log_prob(x, context, std::span(scores).subspan(first, x.front().size()), pool_);
    });
    model_->weights() = now;
    return scores;
  }

  static double mean_nll(const Rows<T>& rows, const std::vector<double>& scores) {
    double sum = 0;
    for (std::size_t row = 0; row < rows.count; ++row) sum += rows.weight(row) * scores[row];
    return -sum / static_cast<double>(rows.count);
  }

  Summary finish(const std::string& stopped) {
    Summary s;
    s.seconds = seconds();
    s.run = directory_->path();
    s.model = directory_->file("model.safetensors");
    s.stopped = stopped;
    s.steps = trainer_->state().step;
    s.best_step = best_step();
    s.rows = train_.count;
    s.validation_rows = validation_.count;
    s.parameters = parameter_count();
    // What follows takes its time, scores of whole numbers and the baselines above all, and who stops a run may not have it: the checkpoint comes first.
    const bool finished = stopped == "steps" || stopped == "patience";
    if (!finished) checkpoint({}, saved_record(stopped));
    const std::vector<double> held_out = saved_scores(parts_.validation);
    if (model_->schema().has_cells()) {
      s.train_nll = mean_nll(train_, saved_scores(parts_.train));
      if (validation_.count > 0) s.validation_nll = mean_nll(validation_, held_out);
    } else {
      s.train_nll = trainer_->nll(train_, trainer_->saved()) - train_.log_det;
      if (validation_.count > 0) s.validation_nll = trainer_->nll(validation_, trainer_->saved()) - validation_.log_det;
    }
    Json record = saved_record(stopped);
    record["train_nll"] = number_or_null(s.train_nll);
    record["validation_nll"] = number_or_null(s.validation_nll);
    if (stopped == "interrupted") {
      checkpoint({}, record);
      return s;
    }
    model_->set_reference(fit_reference(model_->schema(), parts_, held_out, plan_.flow.seed, pool_));
    std::tie(s.gaussian_nll, s.mixture_nll) = baseline_nlls(*model_, parts_, pool_);
    checkpoint(finished ? s.json() : std::string(), record);
    return s;
  }

  const Request& request_;
  const Plan& plan_;
  Observer& observer_;
  std::unique_ptr<flow::TypedModel<T>> model_;
  core::ThreadPool pool_;
  Parts parts_;
  Rows<T> train_, validation_;
  RunDirectory* directory_ = nullptr;
  Trainer<T>* trainer_ = nullptr;
  core::Appender* metrics_ = nullptr;
  Snapshot<T> good_;  // where a rollback goes: the last evaluation that a finite step followed, or the start
  Snapshot<T> next_;  // the last evaluation, while `promising_`: no step has tried its weights yet
  bool promising_ = false;
  bool checkpointed_ = false;    // there is a last.safetensors of this run
  bool config_written_ = false;  // train.steps may have grown since an earlier one
  double seconds_before_ = 0;
  Clock::time_point start_, last_checkpoint_, last_metrics_;
};

template <class T>
Summary run(const Request& request, const Plan& plan, std::unique_ptr<flow::TypedModel<T>> model, Observer& observer) {
  const auto what = [&] {
    const std::optional<int> batch = plan.training.batch_size;
    return "training a model of " + std::to_string(plan.flow.columns.size()) + " columns on " +
           std::to_string(request.data.rows()) + " rows, " + (batch ? std::to_string(*batch) : std::string("all")) +
           " in a batch";
  };
  return core::needing_memory(what, "use fewer rows, a smaller train.batch_size or smaller networks",
                              [&] { return Training<T>(request, plan, std::move(model), observer).run(); });
}

}  // namespace

Summary train(const Request& request, Observer& observer) {
  Plan plan = read_plan(request.config, request.config_name, request.data.names);
  take_categories(plan, request.data);
  if (plan.flow.float64) return run(request, plan, fresh_model<double>(plan), observer);
  return run(request, plan, fresh_model<float>(plan), observer);
}

}  // namespace flowfit::training
