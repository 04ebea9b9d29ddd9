// Log lines through spdlog. Its default logger writes to stdout, which belongs to data: ours has a stderr sink alone.
#include "terminal/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "terminal/status_line.h"

namespace flowfit::terminal {
namespace {

/// `%*`: the level of what needs attention; a notice has none.
class Level final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
    const std::string_view level = message.level == spdlog::level::err    ? "error: "
                                   : message.level == spdlog::level::warn ? "warning: "
                                                                          : "";
    to.append(level.data(), level.data() + level.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Level>(); }
};

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<Level>('*').set_pattern("flowfit: %*%v");
    sink->set_formatter(std::move(formatter));
    spdlog::logger made("flowfit", std::move(sink));
    made.set_error_handler([](const std::string&) {});  // stderr is closed: there is nobody to tell
    return made;
  }();
  return instance;
}

void write(spdlog::level::level_enum level, std::string_view text) {
  if (!logger().should_log(level)) return;
  StatusLine::wipe();
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    if (!line.empty()) logger().log(level, spdlog::string_view_t(line.data(), line.size()));
    start = end + 1;
  }
}

}  // namespace

void configure_log(bool quiet, bool verbose) {
  logger().set_level(quiet ? spdlog::level::warn : verbose ? spdlog::level::debug : spdlog::level::info);
}

void error(std::string_view text) { write(spdlog::level::err, text); }
void warning(std::string_view text) { write(spdlog::level::warn, text); }
void notice(std::string_view text) { write(spdlog::level::info, text); }
void detail(std::string_view text) { write(spdlog::level::debug, text); }

}  // namespace flowfit::terminal
