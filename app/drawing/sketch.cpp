// Where panels stand, how axes are marked, and how a script begins for each kind of paper.
#include "drawing/sketch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "drawing/gnuplot.h"

namespace flowfit::drawing {
namespace {

// Of pixels: what a character of the font is wide, and the room above a figure's panels for the key, and around each of them.
constexpr double character = 7, key_room = 34, title_room = 22, top_room = 10, right_room = 16, bottom_room = 52;
// The same of a text, in characters and lines.
constexpr int text_lines = 16, narrowest_text_panel = 38;

void append(std::string& text, double value) {
  char digits[32];
  text.append(digits, static_cast<std::size_t>(std::snprintf(digits, sizeof digits, "%.9g", value)));
}

std::string range(const char* axis, const diagnostics::Range& r) {
  return std::string("set ") + axis + "range [" + number(r.low) + ":" + number(r.high) + "]\n";
}

/// Characters on the screen, not bytes.
std::size_t letters(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Multiples of `step` as text, all in plain digits or all in as few as tell them apart.
std::vector<std::string> tic_numbers(const std::vector<double>& places, double step) {
  std::vector<std::string> plain, shorter;
  std::size_t longest_plain = 0, longest_shorter = 0;
  for (const double place : places) {
    const double value = std::abs(place) < 1e-9 * step ? 0 : place;
    const double size = std::floor(std::log10(std::max(std::abs(value), step) * (1 + 1e-9))),
                 unit = std::floor(std::log10(step * (1 + 1e-9)));
    char text[64];
    std::snprintf(text, sizeof text, "%.10g", value);
    longest_plain = std::max(longest_plain, plain.emplace_back(text).size());
    std::snprintf(text, sizeof text, "%.*g", static_cast<int>(size - unit) + 1, value);
    longest_shorter = std::max(longest_shorter, shorter.emplace_back(text).size());
  }
  constexpr std::size_t readable = 7;
  return longest_plain <= std::max(readable, longest_shorter) ? plain : shorter;
}

std::string marks(const char* axis, const Tics& tics, bool numbers) {
  if (tics.places.empty()) return std::string("unset ") + axis + "tics";
  std::string text = std::string("set ") + axis + "tics (";
  for (std::size_t i = 0; i < tics.places.size(); ++i)
    text += (i > 0 ? ", " : "") + quoted(numbers ? tics.numbers[i] : "") + " " + number(tics.places[i]);
  return text + ")";
}

}  // namespace

std::string number(double value) {
  std::string text;
  append(text, value);
  return text;
}

std::string shortened(const std::string& name, std::size_t most) {
  if (letters(name) <= most + 1) return name;  // the last letter takes no more room than the …
  std::size_t end = 0;
  for (std::size_t shown = 0; shown < most; ++shown) {
    do ++end;
    while ((static_cast<unsigned char>(name[end]) & 0xC0) == 0x80);  // inside a UTF-8 character
  }
  return name.substr(0, end) + "…";
}

Tics tics(const diagnostics::Range& range, double length, double per_character, double per_tic) {
  constexpr int most = 8;
  // Where fewer than two numbers fit, tics stay closer together than they, and only some are numbered; then numbers stand closer.
  for (const auto& [stride, squeeze] :
       {std::pair(1, 1.0), std::pair(2, 1.0), std::pair(5, 1.0), std::pair(1, 0.75), std::pair(2, 0.75)}) {
    for (int count = most; count > 1; --count) {
      const double rough = range.width() / count, power = std::pow(10, std::floor(std::log10(rough))), first = rough / power,
                   step = power * (first <= 1.0001   ? 1
                                   : first <= 2.0001 ? 2
                                   : first <= 5.0001 ? 5
                                                     : 10);
      Tics tics;
      for (double k = std::ceil(range.low / step - 1e-9); k * step <= range.high + 1e-9 * step; ++k)
        tics.places.push_back(k * step);
      tics.numbers = tic_numbers(tics.places, step);
      int numbered = 0;
      for (std::size_t i = 0; i < tics.places.size(); ++i) {
        if (std::fmod(std::abs(std::round(tics.places[i] / step)), stride) != 0)
          tics.numbers[i].clear();
        else
          ++numbered;
        tics.longest = std::max(tics.longest, tics.numbers[i].size());
      }
      const double room = stride * step / range.width() * length;  // from number to number
      if (numbered > 1 && room >= squeeze * (per_character * static_cast<double>(tics.longest) + per_tic)) return tics;
    }
  }
  return {};
}

std::string render(const Figure& figure) { return run_gnuplot(figure.script); }

namespace {

/// Tics at 0, 1, … with names, shortened to the room that each has, or only some of them.
Tics named_tics(const std::vector<std::string>& names, double length, double per_character, double per_tic) {
  constexpr std::size_t fewest = 3, most = 8;  // letters
  const double least = per_character > 0 ? per_character * fewest + per_tic : per_tic;
  const auto stride = static_cast<std::size_t>(std::max(1.0, std::ceil(least * static_cast<double>(names.size()) / length)));
  const double room = static_cast<double>(stride) * length / static_cast<double>(names.size());
  const std::size_t letters_there =
      per_character > 0 ? std::max(fewest, static_cast<std::size_t>(std::max(0.0, room - per_tic) / per_character)) : most;
  Tics tics;
  for (std::size_t i = 0; i < names.size(); ++i) {
    tics.places.push_back(static_cast<double>(i));
    tics.numbers.push_back(i % stride == 0 ? shortened(names[i], letters_there) : "");
    tics.longest = std::max(tics.longest, letters(tics.numbers.back()));
  }
  return tics;
}

Tics tics_of(const diagnostics::Range& range, const std::vector<std::string>& names, double length, double per_character,
             double per_tic) {
  return names.empty() ? tics(range, length, per_character, per_tic) : named_tics(names, length, per_character, per_tic);
}

}  // namespace

Sketch::Sketch(const Paper& paper, int count, int across, int panel_height)
    : paper_(paper),
      across_(std::clamp(text() ? paper.width / narrowest_text_panel : across, 1, std::max(1, std::min(across, count)))),
      panel_height_(text() ? text_lines : panel_height),
      height_(static_cast<int>(text() ? 1 : key_room) + panel_height_ * ((count + across_ - 1) / across_)) {}

Sketch::Sketch(const Paper& paper, int count, double height) : Sketch(paper, count, 2, 0) {
  if (!text()) height_ = static_cast<int>(height);
}

std::string Sketch::data(const data::Columns& columns) {
  std::string name = "$d" + std::to_string(++blocks_);
  before_ += name + " << END\n";
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    if (!std::isnan(columns.front()[i])) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        if (c > 0) before_ += ' ';
        append(before_, columns[c][i]);
      }
    }
    before_ += '\n';
  }
  before_ += "END\n";
  return name;
}

std::string Sketch::matrix(std::span<const double> values, std::size_t side) {
  std::string name = "$d" + std::to_string(++blocks_);
  before_ += name + " << END\n";
  for (std::size_t i = 0; i < values.size(); ++i) {
    append(before_, values[i]);
    before_ += (i + 1) % side == 0 ? '\n' : ' ';
  }
  before_ += "END\n";
  return name;
}

std::string Sketch::at(double left, double top) const {
  return "screen " + number(left / paper_.width) + ", screen " + number(1 - top / height_);
}

void Sketch::key(const std::vector<KeyEntry>& entries) {
  if (text()) {
    double left = 10;
    for (const KeyEntry& entry : entries) {
      const std::string words = std::string(1, entry.letter) + " " + entry.words;
      line("set label " + quoted(words) + " at " + at(left, 0.5) + " left textcolor '" + entry.color + "'");
      left += static_cast<double>(letters(words)) + 3;
    }
    return;
  }
  constexpr double mark = 22, space = 6, apart = 26, middle = 14, half = 5;
  double total = -apart;
  for (const KeyEntry& entry : entries) total += mark + space + character * static_cast<double>(letters(entry.words)) + apart;
  double left = std::max(10.0, 0.5 * (paper_.width - total));
  for (const KeyEntry& entry : entries) {
    const std::string color = std::string("'") + entry.color + "'";
    switch (entry.mark) {
      case KeyEntry::area:
      case KeyEntry::band:
        line("set object rectangle from " + at(left, middle + half) + " to " + at(left + mark, middle - half) + " fillcolor " +
             color + " fillstyle transparent solid " + (entry.mark == KeyEntry::area ? "0.35" : "1") + " noborder");
        break;
      case KeyEntry::line:
      case KeyEntry::dashed:
        line("set arrow from " + at(left, middle) + " to " + at(left + mark, middle) + " nohead linewidth 1.8 linecolor " +
             color + (entry.mark == KeyEntry::dashed ? " dashtype 2" : ""));
        break;
      case KeyEntry::dot:
        line("set label '' at " + at(left + mark - half, middle) + " point pointtype 7 pointsize 0.7 linecolor " + color);
        break;
    }
    left += mark + space;
    line("set label " + quoted(entry.words) + " at " + at(left, middle) + " left");
    left += character * static_cast<double>(letters(entry.words)) + apart;
  }
}

void Sketch::panel(const Axes& axes) {
  const int line = panel_ / across_;
  const double width = static_cast<double>(paper_.width) / across_, left = (panel_ % across_) * width;
  if (text()) return panel_at(axes, left + 10, 1 + panel_height_ * line + 1, width - 12, panel_height_ - 5);
  const double top = top_room + (axes.title.empty() ? 0 : title_room), height = panel_height_ - top - bottom_room;
  const double numbers = 16 + character * static_cast<double>(tics_of(axes.y, axes.y_names, height, 0, 28).longest) +
                         (axes.y_label.empty() ? 4 : 28);
  panel_at(axes, left + numbers, key_room + panel_height_ * line + top, width - numbers - right_room, height);
}

void Sketch::panel_at(const Axes& axes, double left, double top, double width, double height) {
  if (panel_++ > 0) line("unset label\nunset object\nunset arrow");
  const auto margin = [this](const char* side, double place) {
    line(std::string("set ") + side + "margin at screen " + number(place));
  };
  margin("l", left / paper_.width);
  margin("r", (left + width) / paper_.width);
  margin("t", 1 - top / height_);
  margin("b", 1 - (top + height) / height_);
  plots_ += range("x", axes.x) + range("y", axes.y);
  const Tics across = text() ? tics_of(axes.x, axes.x_names, width, 1, 4) : tics_of(axes.x, axes.x_names, width, character, 14),
             up = tics_of(axes.y, axes.y_names, height, 0, text() ? 2 : 28);
  line(marks("x", across, axes.x_numbers));
  line(marks("y", up, axes.y_numbers));
  if (text()) {
    line("set xlabel " + quoted(axes.x_label));
    line("set title " +
         quoted(axes.title.empty() ? axes.y_label : axes.title + (axes.y_label.empty() ? "" : ": " + axes.y_label)));
    return;
  }
  if (!axes.x_label.empty())
    line("set label " + quoted(axes.x_label) + " at " + at(left + 0.5 * width, top + height + 40) + " center");
  if (!axes.title.empty()) line("set label " + quoted(axes.title) + " at " + at(left + 0.5 * width, top - 13) + " center");
  const double numbers = axes.y_numbers ? 10 + character * static_cast<double>(up.longest) : 8;
  if (!axes.y_label.empty())
    line("set label " + quoted(axes.y_label) + " at " +
         at(left - numbers - (paper_.kind == Paper::png ? 12 : 18), top + 0.5 * height) + " center rotate by 90");
}

std::string Sketch::terminal() const {
  const std::string size = std::to_string(paper_.width) + "," + std::to_string(height_);
  constexpr double sharper = 1.5;  // a PNG has more pixels than a page gives it room
  switch (paper_.kind) {
    case Paper::svg:
      return "svg size " + size + " dynamic noenhanced rounded font 'sans-serif,12' background '#ffffff'";
    case Paper::inline_svg:
      return "svg size " + size + " dynamic noenhanced rounded font 'sans-serif,12'";
    case Paper::png:
      return "pngcairo size " + std::to_string(std::lround(sharper * paper_.width)) + "," +
             std::to_string(std::lround(sharper * height_)) + " noenhanced rounded font 'sans,9' fontscale 1.5 linewidth 1.5 " +
             "pointscale 1.5 background '#ffffff'";
    case Paper::text:
      break;
  }
  return "dumb size " + size + " noenhanced " + (paper_.colors ? "ansi256" : "mono");
}

Figure Sketch::finish(std::string name, std::string title, std::string caption) const {
  std::string script = "set encoding utf8\nset terminal unknown\n" + before_ + "reset\nset terminal " + terminal() + "\n";
  if (!text())
    script += std::string("set border 3 linecolor '#808080'\nset tics nomirror out scale 0.6 textcolor 'black'\n") +
              "set grid linetype 1 linecolor '" + faint_color + "' linewidth 0.5\n";
  script += "unset key\nset multiplot\n" + plots_ + "unset multiplot\n";
  return {std::move(name), std::move(title), std::move(caption), paper_.width, height_, std::move(script)};
}

}  // namespace flowfit::drawing
