// Figures of two columns at a time: rows, draws, and contours and maps of the density.
#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "diagnostics/regions.h"
#include "diagnostics/subsample.h"
#include "drawing/figures.h"

namespace flowfit::drawing {
namespace {

using diagnostics::Grid;
using diagnostics::Range;

constexpr double inner_mass = 0.5, outer_mass = 0.9;
constexpr std::size_t most_points = 2000, points_of_all = 9000;  // of a panel, and of a figure: a report stays small

/// Viridis, as matplotlib has it.
constexpr const char* palette =
    "set palette defined (0 '#440154', 1 '#482878', 2 '#3e4989', 3 '#31688e', 4 '#26828e', 5 '#1f9e89', 6 '#35b779', 7 "
    "'#6ece58', 8 "
    "'#b5de2b', 9 '#fde725')";

/// log p on a grid, for a model of two columns without context.
Grid score_grid(const Subject& subject, const Range& x, const Range& y, std::size_t side) {
  Grid grid{x, y, side, std::vector<double>(side * side)};
  data::Columns points(2, std::vector<double>(side * side));
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = 0; column < side; ++column) {
      points[0][row * side + column] = grid.x_at(column);
      points[1][row * side + column] = grid.y_at(row);
    }
  }
  subject.model.log_prob(points, {}, grid.values, subject.pool);
  return grid;
}

/// `$d3 matrix using (x):(y):3` of a grid.
std::string on_grid(const std::string& block, const Grid& grid) {
  const double dx = grid.x.width() / static_cast<double>(grid.side), dy = grid.y.width() / static_cast<double>(grid.side);
  return block + " matrix using (" + number(grid.x_at(0)) + "+" + number(dx) + "*$1):(" + number(grid.y_at(0)) + "+" +
         number(dy) + "*$2):3";
}

/// Adds the contour lines of a grid at two levels; returns the block that holds them.
std::string contours(Sketch& sketch, Grid grid, double inner, double outer) {
  // Where the density is zero the contour runs between a number and minus infinity.
  for (double& v : grid.values) v = std::max(v, outer - 20 * std::max(1e-300, inner - outer));
  const std::string block = sketch.matrix(grid.values, grid.side);
  std::string lines = block + "c";
  sketch.before("unset surface\nset contour base\nset cntrparam levels discrete " + number(outer) +
                (inner > outer ? "," + number(inner) : "") + "\nset table " + lines + "\nsplot " + on_grid(block, grid) +
                " with lines\nunset table\n");
  return lines;
}

std::string contours_of_draws(Sketch& sketch, const Subject& subject, std::size_t x, std::size_t y, const Range& x_range,
                              const Range& y_range) {
  constexpr std::size_t side = 80;
  const Grid grid = diagnostics::smoothed_density(subject.draws[x], subject.draws[y], x_range, y_range, side);
  return contours(sketch, grid, diagnostics::region_level(grid, inner_mass), diagnostics::region_level(grid, outer_mass));
}

std::string points(Sketch& sketch, const data::Columns& from, std::size_t x, std::size_t y, std::size_t most) {
  data::Columns some(2);
  for (const std::size_t i : diagnostics::some_of(from[x].size(), most)) {
    if (!std::isfinite(from[x][i]) || !std::isfinite(from[y][i])) continue;
    some[0].push_back(from[x][i]);
    some[1].push_back(from[y][i]);
  }
  return sketch.data(some);
}

std::string scatter(const Sketch& sketch, const std::string& block, const char* color, std::size_t count) {
  const char* const alpha = count > 1000 ? "70" : count > 300 ? "50" : "30";  // 00 is opaque
  return block + " using 1:2 with points pointtype " + (sketch.text() ? "'.'" : "7") + " pointsize " +
         (count > 1000 ? "0.28" : "0.36") + " linecolor '#" + alpha + (color + 1) + "'";
}

std::string contour_lines(const std::string& block, const char* color) {
  return block + " using 1:2 with lines linetype 2 linewidth 1.2 linecolor '" + color + "'";
}

/// A square panel in a row of them, or one below the other in a text.
struct Row {
  Sketch& sketch;
  double side, left = 66, gap = 66, top = 62;
  int number = 0;

  void open(const Sketch::Axes& axes) {
    if (sketch.text())
      sketch.panel(axes);
    else
      sketch.panel_at(axes, left + number * (side + gap), top, side, side);
    ++number;
  }
  double right() const { return left + number * side + (number - 1) * gap; }  ///< of the last one
};

/// The map of a density with its colour bar; in a text its contours.
void heat_map(Row& row, const Grid& scores, const Sketch::Axes& axes, const std::string& lines) {
  Sketch& sketch = row.sketch;
  Grid density = scores;
  for (double& v : density.values) v = std::exp(v);
  row.open(axes);
  if (sketch.text()) return sketch.line("plot " + contour_lines(lines, model_color));
  // A spike of a few cells must not turn all else dark.
  const double highest = std::max(diagnostics::quantile(diagnostics::sorted_finite(density.values), 0.9995), 1e-300);
  const double width = sketch.width(), height = sketch.height();
  const std::string block = sketch.matrix(density.values, density.side);
  const Tics levels = tics({0, highest}, row.side, 0, 28);
  std::string marks;
  for (std::size_t i = 0; i < levels.places.size(); ++i)
    marks += (i > 0 ? ", '" : "'") + levels.numbers[i] + "' " + number(levels.places[i]);
  sketch.line(palette);
  sketch.line("set cbrange [0:" + number(highest) + "]\nset cbtics (" + marks + ")\nunset grid");
  sketch.line("set colorbox user origin screen " + number((row.right() + 10) / width) + ", screen " +
              number(1 - (row.top + row.side) / height) + " size screen " + number(12 / width) + ", screen " +
              number(row.side / height));
  sketch.line("plot " + on_grid(block, density) + " with image");
}

/// Of a model of two columns without context: its scores around what is drawn, and the contours of its regions.
struct Exact {
  Grid scores;
  std::string lines;

  Exact(Sketch& sketch, const Subject& subject, const Range& x, const Range& y, std::size_t side)
      : scores(score_grid(subject, x, y, side)) {
    const std::vector<double> draws = subject.score_draws();
    lines = contours(sketch, scores, diagnostics::region_level(draws, inner_mass), diagnostics::region_level(draws, outer_mass));
  }
};

constexpr const char* contour_color = "#606060";
constexpr const char* region_words = "highest density: 50 % and 90 % of the model's mass";

Figure two_columns(const Subject& subject, std::size_t x, std::size_t y, const Paper& paper) {
  const std::vector<std::string> names = subject.model.schema().names();
  const bool exact = names.size() == 2 && has_curve(subject.model);
  const int panels = 1 + (subject.has_rows() ? 1 : 0) + (exact ? 1 : 0);
  const double side = std::min(420.0, static_cast<double>(paper.width - (exact ? 70 : 20)) / panels - 66);
  Sketch sketch(paper, panels, 62 + side + 56);
  Row row{sketch, side};
  if (!sketch.text()) row.left = 0.5 * (paper.width - panels * (side + row.gap) - (exact ? 60 : 0)) + row.gap;
  sketch.key({{KeyEntry::line, sketch.text() ? model_color : contour_color, region_words, '#'}});
  const Axis across = axis_of(subject, x), up = axis_of(subject, y);
  Sketch::Axes axes{.x = across.range,
                    .y = up.range,
                    .x_label = shortened(names[x], 28),
                    .y_label = shortened(names[y], 28),
                    .title = "",
                    .x_names = across.names,
                    .y_names = up.names};
  std::optional<Exact> density;
  if (exact) density.emplace(sketch, subject, axes.x, axes.y, 160);
  const std::string lines = density ? density->lines : contours_of_draws(sketch, subject, x, y, axes.x, axes.y);
  for (const bool drawn : {false, true}) {
    if (!drawn && !subject.has_rows()) continue;
    const data::Columns& from = drawn ? subject.draws : subject.rows;
    const std::size_t count = std::min(from[x].size(), most_points);
    axes.title = (drawn ? "draws of the model: " : "data: ") + core::counted(count, "row");
    row.open(axes);
    sketch.line("plot " + scatter(sketch, points(sketch, from, x, y, most_points), drawn ? model_color : data_color, count) +
                ", " + contour_lines(lines, sketch.text() ? model_color : contour_color));
  }
  axes.title = "density, exp(logprob)";
  if (density) heat_map(row, density->scores, axes, lines);
  std::string caption = subject.has_rows() ? subject.rows_text(most_points) + ", and " : "";
  caption += std::to_string(most_points) + " of " + subject.draws_text() +
             ". Lines: the regions of highest density with 50 % and 90 % of the mass, " +
             (exact ? "of the density on a grid of 160 x 160, which the last panel shows." : "of the smoothed draws.");
  return sketch.finish("pairs", "Pairs of columns", caption);
}

Figure many_columns(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper) {
  const std::vector<std::string> names = subject.model.schema().names();
  const std::size_t k = shown.size() - 1;  // columns of panels, and rows of them
  const std::size_t most = std::min(most_points, points_of_all / (k * (k + 1) / 2));
  constexpr double left = 92, bottom = 60, top = 44, gap = 10;
  const double side = (paper.width - left - 20) / static_cast<double>(k) - gap, height = std::min(side, 300.0);
  Sketch sketch(paper, static_cast<int>(k * (k + 1) / 2), top + static_cast<double>(k) * (height + gap) + bottom);
  std::vector<KeyEntry> key;
  if (subject.has_rows()) key.push_back({KeyEntry::dot, data_color, "data", '.'});
  key.push_back({KeyEntry::line, model_color, region_words, '#'});
  sketch.key(key);
  std::vector<Axis> all;
  for (const std::size_t c : shown) all.push_back(axis_of(subject, c));
  for (std::size_t down = 1; down <= k; ++down) {
    for (std::size_t across = 0; across < down; ++across) {
      const std::size_t x = shown[across], y = shown[down];
      const bool lowest = down == k || sketch.text(), leftmost = across == 0 || sketch.text();
      const auto letters = sketch.text() ? 30 : static_cast<std::size_t>(height / 7.5);
      const Sketch::Axes axes{.x = all[across].range,
                              .y = all[down].range,
                              .x_label = lowest ? shortened(names[x], letters) : "",
                              .y_label = leftmost ? shortened(names[y], letters) : "",
                              .title = "",
                              .x_numbers = lowest,
                              .y_numbers = leftmost,
                              .x_names = all[across].names,
                              .y_names = all[down].names};
      std::string plot = "plot ";
      if (subject.has_rows())
        plot +=
            scatter(sketch, points(sketch, subject.rows, x, y, most), data_color, std::min(subject.rows[x].size(), most)) + ", ";
      plot += contour_lines(contours_of_draws(sketch, subject, x, y, all[across].range, all[down].range), model_color);
      if (sketch.text())
        sketch.panel(axes);
      else
        sketch.panel_at(axes, left + static_cast<double>(across) * (side + gap),
                        top + static_cast<double>(down - 1) * (height + gap), side, height);
      sketch.line(plot);
    }
  }
  std::string caption = subject.has_rows() ? "Points: " + subject.rows_text(most) + ". " : "";
  caption += "Lines: the regions of highest density with 50 % and 90 % of the mass, of " + subject.draws_text() + ", smoothed.";
  if (shown.size() < names.size()) {
    std::vector<std::string> those;
    for (const std::size_t c : shown) those.push_back(names[c]);
    caption += " Columns shown: " + core::joined(those) + " (" + std::to_string(shown.size()) + " of " +
               std::to_string(names.size()) + ").";
  }
  return sketch.finish("pairs", "Pairs of columns", caption);
}

}  // namespace

Figure pairs_figure(const Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper) {
  return shown.size() == 2 ? two_columns(subject, shown[0], shown[1], paper) : many_columns(subject, shown, paper);
}

Figure density_figure(const Subject& subject, const Paper& paper) {
  const std::vector<std::string> names = subject.model.schema().names();
  constexpr double side = 520;
  Sketch sketch(paper, 1, 40 + side + 56);
  Row row{.sketch = sketch, .side = side, .left = 0.5 * (paper.width - side), .top = 40};
  const Sketch::Axes axes{.x = axis_of(subject, 0).range,
                          .y = axis_of(subject, 1).range,
                          .x_label = shortened(names[0], 40),
                          .y_label = shortened(names[1], 40),
                          .title = "density, exp(logprob)"};
  const Exact density(sketch, subject, axes.x, axes.y, 240);
  heat_map(row, density.scores, axes, density.lines);
  return sketch.finish("density", "Density", "exp(logprob) on a grid of 240 x 240.");
}

}  // namespace flowfit::drawing
