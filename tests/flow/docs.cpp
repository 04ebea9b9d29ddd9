// The snippets of docs/transforms.md: those for users of other libraries are configs that build.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "../core/scratch.h"
#include "core/error.h"
#include "training/prepare.h"

using namespace flowfit;

namespace {

std::string built(const std::string& config) {
  return test::thrown<core::ConfigError>([&] {
    const training::Plan plan = training::read_plan(config, "docs", {});
    (void)training::fresh_model<float>(plan);
  });
}

}  // namespace

TEST_CASE("docs: every snippet from other libraries builds") {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../../docs/transforms.md");
  REQUIRE(file);
  bool inside = false;
  int met = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) inside = line == "## From other libraries";
    if (!inside) continue;
    for (std::size_t at = line.find('`'); at != std::string::npos;) {
      const std::size_t end = line.find('`', at + 1);
      REQUIRE(end != std::string::npos);
      const std::string code = line.substr(at + 1, end - at - 1);
      at = line.find('`', end + 1);
      const bool base = code.starts_with("\"base\": {");
      if (!base && !code.starts_with("{ \"type\"")) continue;  // a word
      const bool given =
          code.find("\"context\": true") != std::string::npos || line.find("with `data.context`") != std::string::npos;
      CAPTURE(code);
      CHECK(built(R"({"data": {"columns": ["x1", "x2"], "context": [)" + std::string(given ? "\"u\"" : "") + "]}, " +
                  (base ? code + R"(, "flow": []})" : "\"flow\": [" + code + "]}")) == "nothing thrown");
      ++met;
    }
  }
  CHECK(met > 100);
}
