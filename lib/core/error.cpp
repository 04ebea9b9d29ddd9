// The one grammar of all messages: where, what was expected, what came, what to do.
#include "core/error.h"

namespace flowfit::core {

std::string message(std::string_view where, std::string_view expected, std::string_view got, std::string_view hint) {
  std::string text;
  const auto append = [&text](std::string_view separator, std::string_view part) {
    if (part.empty()) return;
    if (!text.empty()) text += separator;
    text += part;
  };
  append("", where);
  append(": ", expected);
  if (!got.empty()) append(expected.empty() ? ": " : ", ", "got " + std::string(got));
  append("; ", hint);
  return text;
}

}  // namespace flowfit::core
