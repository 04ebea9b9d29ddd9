// Figures of one column at a time: marginals, probability integral transforms, and the coverage curve.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "diagnostics/calibration.h"
#include "drawing/figures.h"

namespace flowfit::drawing {
namespace {

using diagnostics::Range;

constexpr std::size_t longest_label = 28;

/// The outline of a histogram as points, from the axis up and down again.
data::Columns outline(const std::vector<double>& edges, const std::vector<double>& heights) {
  data::Columns points(2);
  const auto add = [&](double x, double y) {
    points[0].push_back(x);
    points[1].push_back(y);
  };
  add(edges.front(), 0);
  for (std::size_t i = 0; i < heights.size(); ++i) {
    add(edges[i], heights[i]);
    add(edges[i + 1], heights[i]);
  }
  add(edges.back(), 0);
  return points;
}

std::string filled(const Sketch& sketch, const std::string& block, const char* color) {
  return block + " using 1:2 with " +
         (sketch.text() ? "lines linetype 1" : "filledcurves y=0 fillstyle transparent solid 0.35 noborder") + " linecolor '" +
         color + "'";
}

std::string line(const std::string& what, int number, const char* color) {
  return what + " with lines linetype " + std::to_string(number) + " linewidth 1.8 linecolor '" + color + "'";
}

std::string band(const std::string& block) {
  return block + " using 1:2:3 with filledcurves fillstyle transparent solid 1 noborder fillcolor '" + faint_color + "'";
}

/// The density of a model of a single column at points over `range`.
data::Columns density_curve(const Subject& subject, const Range& range) {
  constexpr std::size_t points = 400;
  data::Columns curve(2, std::vector<double>(points));
  for (std::size_t i = 0; i < points; ++i)
    curve[0][i] = range.low + range.width() * static_cast<double>(i) / static_cast<double>(points - 1);
  subject.model.log_prob({curve[0]}, {}, curve[1], subject.pool);
  for (double& v : curve[1]) v = std::exp(v);
  return curve;
}

/// Of bins that suit the values, or one for each category.
std::vector<double> edges_of(const Axis& axis, const std::vector<double>& values) {
  if (axis.names.empty()) return diagnostics::bin_edges(values, axis.range);
  std::vector<double> edges;
  for (std::size_t i = 0; i <= axis.names.size(); ++i) edges.push_back(axis.range.low + static_cast<double>(i));
  return edges;
}

std::string columns_text(const Subject& subject, std::size_t shown) {
  const std::size_t all = subject.model.schema().columns.size();
  return shown < all ? " Columns shown: " + std::to_string(shown) + " of " + std::to_string(all) + "." : "";
}

}  // namespace

Figure marginals_figure(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper) {
  Sketch sketch(paper, static_cast<int>(shown.size()), 3, shown.size() == 1 ? 340 : 220);
  const std::vector<std::string> names = subject.model.schema().names();
  const bool exact = names.size() == 1 && has_curve(subject.model);
  std::vector<KeyEntry> key;
  if (subject.has_rows()) key.push_back({KeyEntry::area, data_color, "data", '*'});
  key.push_back({KeyEntry::line, model_color, "draws of the model", '#'});
  if (exact) key.push_back({KeyEntry::line, "black", "density of the model", '$'});
  sketch.key(key);
  for (const std::size_t c : shown) {
    const Axis axis = axis_of(subject, c);
    const std::vector<double> edges = edges_of(axis, subject.has_rows() ? subject.rows[c] : subject.draws[c]),
                              drawn = diagnostics::densities(subject.draws[c], edges);
    std::string plot = "plot ";
    double highest = std::ranges::max(drawn);
    if (subject.has_rows()) {
      const std::vector<double> heights = diagnostics::densities(subject.rows[c], edges);
      highest = std::max(highest, std::ranges::max(heights));
      plot += filled(sketch, sketch.data(outline(edges, heights)), data_color) + ", ";
    }
    plot += line(sketch.data(outline(edges, drawn)) + " using 1:2", 2, model_color);
    if (exact) plot += ", " + line(sketch.data(density_curve(subject, axis.range)) + " using 1:2", 3, "black");
    sketch.panel({.x = {edges.front(), edges.back()},
                  .y = {0, 1.08 * highest},
                  .x_label = shortened(names[c], longest_label),
                  .y_label = axis.names.empty() ? "density" : "share",
                  .title = "",
                  .x_names = axis.names});
    sketch.line(plot);
  }
  std::string caption = subject.has_rows() ? "Histograms of " + subject.rows_text() + " and of " : "Histograms of ";
  caption +=
      subject.draws_text() +
      ", in the same bins; the density is that of one unit of the column, and what lies beyond the picture counts in the total." +
      columns_text(subject, shown.size());
  return sketch.finish("marginals", "Marginals", caption);
}

Figure pit_figure(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper) {
  constexpr std::size_t bins = 20;
  std::vector<double> edges, log_det(subject.rows.front().size());
  for (std::size_t i = 0; i <= bins; ++i) edges.push_back(static_cast<double>(i) / bins);
  // A whole number stands for its cell: somewhere in it, or the steps would show.
  const data::Schema& schema = subject.model.schema();
  const auto encoded = [&](data::Columns x, const data::Columns& context, std::uint32_t epoch, std::span<double> unused) {
    schema.dequantize(x, {0, core::Purpose::dequantize, epoch});
    return subject.model.encode(x, context, unused, subject.pool);
  };
  const data::Columns base = encoded(subject.rows, subject.rows_context, 0, log_det);
  const std::vector<bool> normal = subject.model.traits().standard_normal;
  const bool all_normal = std::ranges::all_of(shown, [&](std::size_t c) { return normal[c]; });
  data::Columns drawn;
  if (!all_normal) {
    std::vector<double> unused(draw_count);
    drawn = encoded(subject.draws, subject.draws_context, 1, unused);
  }
  Sketch sketch(paper, static_cast<int>(shown.size()), 3, shown.size() == 1 ? 340 : 220);
  sketch.key({{KeyEntry::area, data_color, "data, encoded", '*'},
              {KeyEntry::line, model_color, "uniform", '#'},
              {KeyEntry::band, faint_color, "95 % of the bins where the model is right", ' '}});
  const std::vector<std::string> names = schema.names();
  const double half = 1.96 * std::sqrt((bins - 1) / static_cast<double>(log_det.size())), low = std::max(0.0, 1 - half);
  const std::string around = sketch.data({{0, 1}, {low, low}, {1 + half, 1 + half}});
  for (const std::size_t c : shown) {
    const std::vector<double> z = diagnostics::sorted_finite(base[c]);
    const std::vector<double> u = normal[c] ? diagnostics::normal_pit(z) : diagnostics::rank_pit(z, drawn[c]);
    const double p = diagnostics::uniformity(u, normal[c] ? 0 : draw_count).p_value;
    const std::vector<double> heights = diagnostics::densities(u, edges);
    sketch.panel({.x = {0, 1},
                  .y = {0, std::max({1.6, 1.15 * (1 + half), 1.08 * std::ranges::max(heights)})},
                  .x_label = "PIT of " + shortened(names[c], longest_label - 7),
                  .y_label = "density",
                  .title = p < 1e-4 ? "KS p < 0.0001" : "KS p = " + number(std::round(p * 1e4) / 1e4)});
    sketch.line("plot " + (sketch.text() ? "" : band(around) + ", ") +
                filled(sketch, sketch.data(outline(edges, heights)), data_color) + ", " + line("1", 2, model_color));
  }
  const std::string caption =
      "Probability integral transforms: each column of " + subject.rows_text() +
      ", encoded to the base distribution, by the distribution function " +
      (all_normal ? std::string("of the normal base") : "of the base (ranks among " + std::to_string(draw_count) + " draws)") +
      ". They are uniform where the model is right. KS: the test of Kolmogorov and Smirnov; of rows that the model was trained "
      "on its p-value is too high." +
      columns_text(subject, shown.size());
  return sketch.finish("pit", "Base-space PIT", caption);
}

Figure coverage_figure(const Subject& subject, const Paper& paper) {
  constexpr std::size_t points = 101;
  data::Columns around(3);
  const auto n = static_cast<double>(subject.rows.front().size());
  for (std::size_t i = 0; i < points; ++i) {
    const double mass = static_cast<double>(i) / (points - 1),
                 half = 1.96 * std::sqrt(mass * (1 - mass) * (1 / n + 1.0 / draw_count));
    around[0].push_back(mass);
    around[1].push_back(std::max(0.0, mass - half));
    around[2].push_back(std::min(1.0, mass + half));
  }
  constexpr double side = 380, top = 40;
  Sketch sketch(paper, 1, top + side + 56);
  sketch.key({{KeyEntry::line, data_color, "data", '*'},
              {KeyEntry::line, model_color, "nominal", '#'},
              {KeyEntry::band, faint_color, "95 % where the model is right", ' '}});
  std::string plot = "plot ";
  if (!sketch.text()) plot += band(sketch.data(around)) + ", ";
  plot +=
      line("x", 2, model_color) + ", " +
      line(sketch.data({around[0], diagnostics::coverage(subject.score_rows(), subject.score_draws(), around[0])}) + " using 1:2",
           1, data_color);
  const Sketch::Axes axes{
      .x = {0, 1},
      .y = {0, 1},
      .x_label = subject.conditional() ? "share of the draws with the highest scores" : "mass of the highest-density region",
      .y_label = "share of the rows inside",
      .title = ""};
  if (sketch.text())
    sketch.panel(axes);
  else
    sketch.panel_at(axes, 0.5 * (sketch.width() - side), top, side, side);
  sketch.line(plot);
  const std::string caption = "Share of " + subject.rows_text() + " that score at least as high as the best-scoring part of " +
                              subject.draws_text() +
                              (subject.conditional() ? "." : ", which is the model's highest-density region of that mass.") +
                              " Below the line, more rows than expected lie where the density is low.";
  return sketch.finish("coverage", "Coverage", caption);
}

}  // namespace flowfit::drawing
