// The loss curve of a run.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "core/error.h"
#include "core/file.h"
#include "drawing/figures.h"

namespace flowfit::drawing {
namespace {

double number_of(const config::Json& object, const char* key) {
  return object.contains(key) && object[key].is_number() ? object[key].get<double>() : std::numeric_limits<double>::quiet_NaN();
}

/// Of what is drawn after the first tenth of the steps, where the curve begins to say something; a little more above and below.
diagnostics::Range loss_range(const LossCurve& curve) {
  std::vector<double> late;
  const double from = curve.steps.front() + 0.1 * (curve.steps.back() - curve.steps.front());
  for (std::size_t i = 0; i < curve.steps.size(); ++i) {
    if (curve.steps[i] < from && curve.steps.size() > 3) continue;
    late.push_back(curve.train[i]);
    late.push_back(curve.validation[i]);
  }
  const std::vector<double> sorted = diagnostics::sorted_finite(late);
  if (sorted.empty()) return {};
  const double low = sorted.front(), high = std::min(sorted.back(), diagnostics::quantile(sorted, 0.95) * 2 - low),
               air = std::max(0.05 * (high - low), 1e-6 * std::max(1.0, std::abs(low)));
  return {low - air, high + 3 * air};
}

}  // namespace

std::optional<LossCurve> read_loss(const std::string& run, const std::string& record) {
  const std::filesystem::path path = std::filesystem::path(run) / "metrics.jsonl";
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return {};
  LossCurve curve;
  const std::string text = core::read_file(path.string());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    try {
      const config::Json object = config::parse_json(line, path.string());
      const double step = object.is_object() ? number_of(object, "step") : std::nan("");
      if (std::isnan(step)) continue;
      curve.steps.push_back(step);
      curve.train.push_back(number_of(object, "train_nll"));
      curve.validation.push_back(number_of(object, "validation_nll"));
    } catch (const core::ConfigError&) {
      continue;
    }
  }
  if (curve.steps.empty()) return {};
  if (!record.empty()) {
    const double best = number_of(config::parse_json(record, "record"), "best_step");
    if (!std::isnan(best)) curve.best_step = best;
  }
  return curve;
}

Figure loss_figure(const LossCurve& curve, const Paper& paper) {
  Sketch sketch(paper, 1, 1, 340);
  const auto finite = [](double v) { return std::isfinite(v); };
  const bool validation = std::ranges::any_of(curve.validation, finite), train = std::ranges::any_of(curve.train, finite);
  constexpr std::size_t most_points = 1000;
  const std::size_t stride = (curve.steps.size() + most_points - 1) / most_points;
  const auto points = [&](const std::vector<double>& values) {
    data::Columns columns(2);
    for (std::size_t i = (values.size() - 1) % stride; i < values.size(); i += stride) {
      if (!std::isfinite(values[i])) continue;
      columns[0].push_back(curve.steps[i]);
      columns[1].push_back(values[i]);
    }
    return sketch.data(columns);
  };
  const double first = std::min(0.0, curve.steps.front()), last = std::max(curve.steps.back(), first + 1);
  const diagnostics::Range range = loss_range(curve);
  std::vector<KeyEntry> key;
  std::string plot = "plot 0/0",
              caption = "Negative mean log-density by training step, in nats a row and in the units of the data.";
  if (train) {
    key.push_back({KeyEntry::line, train_color, "training", '*'});
    plot += ", " + points(curve.train) + " using 1:2 with lines linetype 1 linewidth 1.2 linecolor '" + train_color + "'";
    caption += " Training: the mean since the evaluation before, with dropout and jitter where the config asks for them.";
  }
  if (validation) {
    key.push_back({KeyEntry::line, validation_color, "validation", '#'});
    plot += ", " + points(curve.validation) + " using 1:2 with lines linetype 2 linewidth 2 linecolor '" + validation_color + "'";
  }
  if (curve.best_step && validation) {
    key.push_back({KeyEntry::dashed, "#808080", "saved weights", '$'});
    plot += ", " + sketch.data({{*curve.best_step, *curve.best_step}, {range.low, range.high}}) +
            " using 1:2 with lines linetype 3 dashtype 2 linewidth 1.5 linecolor '#808080'";
    caption += " The weights of step " + number(*curve.best_step) + " were saved.";
  }
  if (stride > 1) caption += " One evaluation in " + std::to_string(stride) + " is drawn.";
  sketch.key(key);
  sketch.panel({{first, last}, range, "step", "nll (nats a row)", ""});
  sketch.line(plot);
  return sketch.finish("loss", "Loss curve", caption);
}

}  // namespace flowfit::drawing
