// One case, ready to run: a trainer, or a model to score and sample with.
#pragma once

#include <memory>

#include "cases.h"
#include "training/prepare.h"
#include "training/trainer.h"

namespace flowfit::bench {

/// Trains on 16 batches of standard normal rows, so that no flow learns a single batch by heart.
class Work {
 public:
  Work(const Case& c, int threads) : case_(c), plan_(training::read_plan(c.config, c.name, {})), pool_(threads) {
    model_ = training::fresh_model<float>(plan_);
    const bool tutorial = c.name.starts_with("tutorial");
    const std::size_t n = static_cast<std::size_t>(c.rows) * (tutorial ? 1 : 16), columns = static_cast<std::size_t>(c.columns);
    rows_.assign(columns, std::vector<double>(n));
    const core::RandomKey key{1, core::Purpose::sample};
    std::vector<double> row(columns);
    for (std::size_t i = 0; i < n; ++i) {
      key.normals(i, row);
      for (std::size_t d = 0; d < columns; ++d) rows_[d][i] = row[d];
    }
    table_ = {c.name, plan_.flow.columns, rows_};
    plan_.flow.validation = 0;
    parts_ = training::split(plan_.flow, table_, nullptr);
    model_->set_schema(training::fit_schema(plan_, parts_));
    train_ = training::encoded<float>(model_->schema(), parts_.train, 1);
    trainer_ = std::make_unique<training::Trainer<float>>(*model_, plan_.training, train_, none_, pool_);
    for (std::vector<double>& column : rows_) column.resize(static_cast<std::size_t>(c.rows));
    scores_.resize(static_cast<std::size_t>(c.rows));
  }

  void step() {
    if (case_.kind == "train")
      (void)trainer_->step();
    else if (case_.kind == "score")
      model_->log_prob(rows_, {}, scores_, pool_);
    else
      (void)model_->sample(1, 0, scores_.size(), {}, pool_);
  }

 private:
  const Case& case_;
  training::Plan plan_;
  core::ThreadPool pool_;
  std::unique_ptr<flow::TypedModel<float>> model_;
  data::Columns rows_;
  data::Dataset table_;
  training::Parts parts_;
  training::Rows<float> train_, none_;
  std::unique_ptr<training::Trainer<float>> trainer_;
  std::vector<double> scores_;
};

}  // namespace flowfit::bench
