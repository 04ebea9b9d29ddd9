// A figure in the making: panels in a grid, their axes and data, as a script for gnuplot that suits the paper it is drawn on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/columns.h"
#include "diagnostics/histogram.h"

namespace flowfit::drawing {

/// What a figure is drawn on.
struct Paper {
  enum Kind { svg, inline_svg, png, text } kind = svg;
  int width = 960;      ///< pixels, or characters of a text
  bool colors = false;  ///< of a text
};

// Colours that can be read on white and on black. Axes and words are black, and what is set on a dark page turns that around.
inline constexpr const char *data_color = "#3b82c4", *model_color = "#e0701a", *train_color = "#7a8594",
                            *validation_color = "#2a9d6f",
                            *faint_color = "#B0808080";  // alpha first: three quarters transparent

/// A figure whole: `script` draws it.
struct Figure {
  std::string name, title;  ///< `pairs`, `Pairs of columns`
  std::string caption;      ///< what is seen, in sentences, with how many rows and draws
  int width = 0, height = 0;
  std::string script;
};

/// The bytes of a figure's picture.
std::string render(const Figure& figure);

/// What a colour stands for.
struct KeyEntry {
  enum Mark { area, band, line, dashed, dot } mark;
  const char* color;
  std::string words;
  char letter;  ///< what draws it in a text without colours
};

class Sketch {
 public:
  /// `count` panels, `across` of them in a row (fewer on narrow paper). `panel_height` in pixels, tics and words included; texts have lines of their own.
  Sketch(const Paper& paper, int count, int across, int panel_height);
  /// The same with panels at places of their own, in a height of its own; only a text has a grid.
  Sketch(const Paper& paper, int count, double height);

  bool text() const { return paper_.kind == Paper::text; }
  int width() const { return paper_.width; }
  int height() const { return height_; }

  /// Adds numbers, one vector a column, and returns the name to plot them by. A row that begins with NaN breaks a line.
  std::string data(const data::Columns& columns);
  /// Adds a grid of values as a matrix.
  std::string matrix(std::span<const double> values, std::size_t side);
  /// Adds lines of gnuplot that are run before anything is drawn.
  void before(const std::string& lines) { before_ += lines; }

  /// The key above the panels. Call it before the first of them.
  void key(const std::vector<KeyEntry>& entries);

  struct Axes {
    diagnostics::Range x, y;
    std::string x_label, y_label, title;
    bool x_numbers = true, y_numbers = true;              ///< beside the tics
    std::vector<std::string> x_names = {}, y_names = {};  ///< what stands there for 0, 1, … in place of numbers
  };
  /// Opens the next panel; what `line` adds then is drawn in it.
  void panel(const Axes& axes);
  /// The same for a panel at a place of its own: its inside, in pixels (characters and lines) from the top left corner.
  void panel_at(const Axes& axes, double left, double top, double width, double height);
  void line(const std::string& text) { plots_ += text + "\n"; }

  Figure finish(std::string name, std::string title, std::string caption) const;

 private:
  std::string terminal() const;
  std::string at(double left, double top) const;  // a place in gnuplot's words
  Paper paper_;
  int across_ = 1, panel_height_ = 0, height_, panel_ = 0, blocks_ = 0;
  std::string before_, plots_;
};

/// At most `most` characters of a name; `…` stands for two or more that are left out.
std::string shortened(const std::string& name, std::size_t most);
/// Tics at multiples of 1, 2 or 5 times a power of ten, so many that their numbers fit beside each other; none where not two of them fit.
struct Tics {
  std::vector<double> places;
  std::vector<std::string> numbers;
  std::size_t longest = 0;  ///< characters
};
/// `length`: of the axis. `per_character`: what a character of a number needs of it (on an upright axis 0), `per_tic`: what each tic needs beside that.
Tics tics(const diagnostics::Range& range, double length, double per_character, double per_tic);

/// Nine digits, as gnuplot reads them.
std::string number(double value);

}  // namespace flowfit::drawing
