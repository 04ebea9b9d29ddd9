// The progress bar, and the lines that stand for it where there is no terminal.
#include "terminal/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "core/text.h"
#include "terminal/log.h"
#include "terminal/signals.h"
#include "terminal/status_line.h"

namespace flowfit::terminal {
namespace {

using namespace std::chrono_literals;
constexpr auto redraw_after = 100ms;
constexpr auto line_after = 10s;
constexpr auto pace_after = 500ms;

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string nll(double value) { return formatted(std::abs(value) < 1e4 ? "%.4f" : "%.4g", value); }

std::string rate(double value, const char* unit) {
  const char* prefix = "";
  if (value >= 1e6) {
    value /= 1e6;
    prefix = "M";
  } else if (value >= 1e4) {
    value /= 1e3;
    prefix = "k";
  }
  return formatted(value < 10 ? "%.1f" : "%.0f", value) + prefix + " " + unit + "/s";
}

std::string clock(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(std::ceil(seconds), 0.0, 1e9));
  char text[64];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

double share(const training::Progress& p) {
  return p.steps > 0 ? std::clamp(static_cast<double>(p.step) / static_cast<double>(p.steps), 0.0, 1.0) : 0.0;
}

double seconds_left(const training::Progress& p, const Pace& pace) {
  return static_cast<double>(std::max<std::int64_t>(0, p.steps - p.step)) / pace.steps_per_second;
}

// `cells` columns, filled up to `done` of 1.
std::string bar_of(double done, int cells, bool utf8, bool colors) {
  const int full = static_cast<int>(std::lround(done * cells));
  const char* const filled = utf8 ? "━" : "#";
  const char* const empty = utf8 ? (colors ? "━" : "╌") : "-";
  std::string text = utf8 ? "" : "[";
  if (colors) text += "\x1b[36m";
  for (int i = 0; i < full; ++i) text += filled;
  if (colors) text += "\x1b[0m\x1b[2m";
  for (int i = full; i < cells; ++i) text += empty;
  if (colors) text += "\x1b[0m";
  return text + (utf8 ? "" : "]");
}

}  // namespace

std::string progress_bar(const training::Progress& p, const Pace& pace, int width, bool utf8, bool colors) {
  struct Part {
    std::string text;
    int rank;  // the highest is left out first
  };
  const std::string total = std::to_string(p.steps);
  std::string count = std::to_string(p.step);
  count.insert(0, total.size() - std::min(total.size(), count.size()), ' ');  // so that nothing jumps while it counts
  std::vector<Part> parts = {{formatted("%3.0f%%", std::floor(100 * share(p))), 0}, {count + "/" + total, 1}};
  parts.push_back({"train " + nll(p.train_nll), 2});
  if (p.validation_nll) parts.push_back({"valid " + nll(*p.validation_nll), 3});
  parts.push_back({"lr " + formatted("%.3g", p.learning_rate), 6});
  if (pace.steps_per_second > 0) {
    parts.push_back({rate(pace.steps_per_second, "steps"), 7});
    if (pace.rows_per_second > 0) parts.push_back({rate(pace.rows_per_second, "rows"), 8});
    parts.push_back({clock(seconds_left(p, pace)) + " left", 4});
  }
  constexpr int shortest = 8, longest = 28, gap = 2, bar_rank = 5;
  const int frame = utf8 ? 0 : 2;
  const int room = width - 1;  // the last column makes some terminals wrap
  int used = 0, bar = shortest;
  for (const Part& part : parts) used += static_cast<int>(part.text.size()) + gap;
  used -= gap;
  while (parts.size() > 1 && used + (bar > 0 ? gap + frame + bar : 0) > room) {
    const auto last = std::max_element(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.rank < b.rank; });
    if (bar > 0 && last->rank < bar_rank) {
      bar = 0;
    } else {
      used -= static_cast<int>(last->text.size()) + gap;
      parts.erase(last);
    }
  }
  if (bar > 0) bar = std::clamp(room - used - gap - frame, shortest, longest);
  std::string line = parts.front().text;
  if (bar > 0) line += "  " + bar_of(share(p), bar, utf8, colors);
  for (std::size_t i = 1; i < parts.size(); ++i) line += "  " + parts[i].text;
  return line;
}

std::string progress_words(const training::Progress& p, const Pace& pace) {
  std::string text = "step " + std::to_string(p.step) + " of " + std::to_string(p.steps) + ": train nll " + nll(p.train_nll);
  if (p.validation_nll) text += ", validation nll " + nll(*p.validation_nll);
  text += ", learning rate " + formatted("%.3g", p.learning_rate);
  if (pace.steps_per_second > 0)
    text += ", " + rate(pace.steps_per_second, "steps") + ", " + clock(seconds_left(p, pace)) + " left";
  return text;
}

std::string duration(double seconds) {
  if (seconds < 60) return formatted(seconds < 10 ? "%.2f s" : "%.1f s", seconds);
  return clock(seconds) + (seconds < 3600 ? " min" : " h");
}

TrainingView::TrainingView(const Context& context) : verbose_(context.verbose) {
  const bool possible = StatusLine::possible();
  switch (context.progress) {
    case ProgressStyle::automatic:
      bar_ = possible && !context.quiet;
      lines_ = !possible && !context.quiet;
      break;
    case ProgressStyle::bar:
      if (!possible) warning("--progress bar: standard error is not a terminal; showing plain lines");
      bar_ = possible;
      lines_ = !possible;
      break;
    case ProgressStyle::plain:
      lines_ = true;
      break;
    case ProgressStyle::none:
      break;
  }
}

TrainingView::~TrainingView() { StatusLine::wipe(); }

void TrainingView::begin(std::string_view what) { terminal::notice(what); }

void TrainingView::notice(std::string_view text) { terminal::notice(text); }

bool TrainingView::stop() { return caught_signal() != 0; }

void TrainingView::measure(const training::Progress& progress) {
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - measured_).count();
  if (now - measured_ < pace_after) return;
  const double fresh = static_cast<double>(progress.step - measured_step_) / seconds;
  // Smoothed, so that the time left can be read; the first measure counts whole.
  pace_.steps_per_second = pace_.steps_per_second > 0 ? 0.7 * pace_.steps_per_second + 0.3 * fresh : fresh;
  pace_.rows_per_second = progress.rows_per_second;
  measured_ = now;
  measured_step_ = progress.step;
}

void TrainingView::progress(const training::Progress& progress) {
  if (verbose_ && progress.evaluated) terminal::detail(progress_words(progress, pace_));
  if (!bar_ && !lines_) return;
  const Clock::time_point now = Clock::now();
  if (!started_) {
    started_ = true;
    measured_ = now;
    measured_step_ = progress.step;
    shown_ = lines_ ? now : now - redraw_after;
  }
  if (bar_ ? now - shown_ < redraw_after : now - shown_ < line_after) return;
  measure(progress);
  shown_ = now;
  if (bar_)
    StatusLine::draw(progress_bar(progress, pace_, StatusLine::width(), StatusLine::utf8(), StatusLine::colors()));
  else
    terminal::notice(progress_words(progress, pace_));
}

}  // namespace flowfit::terminal
