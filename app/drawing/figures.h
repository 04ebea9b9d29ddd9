// The figures: of a training, and of a model beside a table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drawing/sketch.h"
#include "drawing/subject.h"

namespace flowfit::drawing {

/// Evaluations of a training, NaN where one has no such number.
struct LossCurve {
  std::vector<double> steps, train, validation;
  std::optional<double> best_step;  ///< whose weights were saved
};
/// Reads a run folder's metrics.jsonl; nothing where `run` is no folder with one. `record`: the model's, as JSON text. Lines that are not whole are passed over: a training may be at work.
std::optional<LossCurve> read_loss(const std::string& run, const std::string& record);

/// nll by step, training and validation.
Figure loss_figure(const LossCurve& curve, const Paper& paper);

// `shown` are places of columns.

/// A histogram of each column: rows filled, draws as a line; of a model of a single column also its density.
Figure marginals_figure(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper);
/// Two columns: the rows and the draws with the contours of 50 % and 90 % of the model's mass, and without context its density. More: every pair, the rows with the contours of the draws.
Figure pairs_figure(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper);
/// The density of a model of one or two columns, without context.
Figure density_figure(const Subject& subject, const Paper& paper);
/// A histogram of each base column's probability integral transform of the rows. Not of categories.
Figure pit_figure(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper);
/// The share of rows in the model's highest-density regions.
Figure coverage_figure(const Subject& subject, const Paper& paper);

}  // namespace flowfit::drawing
