// What a person sees of a training on stderr: a bar on a terminal, lines elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "terminal/context.h"
#include "training/train.h"

namespace flowfit::terminal {

/// How the last seconds went, for the rates and the time left.
struct Pace {
  double steps_per_second = 0;  ///< 0: not known yet
  double rows_per_second = 0;
};

/// The bar as one line of at most `width` columns: what matters least is left out where it does not fit.
std::string progress_bar(const training::Progress& progress, const Pace& pace, int width, bool utf8, bool colors);
/// The same as words, for a log.
std::string progress_words(const training::Progress& progress, const Pace& pace);

/// `4.2 s`, `3:05 min`, `1:02:05 h`
std::string duration(double seconds);

/// Shows a training that is under way, and asks it to stop when a signal came.
class TrainingView final : public training::Observer {
 public:
  explicit TrainingView(const Context& context);
  ~TrainingView() override;

  void begin(std::string_view what) override;
  void progress(const training::Progress& progress) override;
  void notice(std::string_view text) override;
  bool stop() override;

 private:
  using Clock = std::chrono::steady_clock;
  void measure(const training::Progress& progress);

  bool bar_ = false, lines_ = false;
  bool verbose_ = false, started_ = false;
  Clock::time_point shown_{}, measured_{};  // when the last picture was drawn, and the pace taken
  std::int64_t measured_step_ = 0;
  Pace pace_;
};

}  // namespace flowfit::terminal
