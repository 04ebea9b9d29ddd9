// Writing out the registry's examples.
#include "support/cases.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support/subject.h"
#include "transforms/transform.h"
#include "transforms/univariate.h"

namespace flowfit::test {
namespace {

using config::Json;

std::string replaced(std::string text, const std::string& word, const std::string& with) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + with.size()))
    text.replace(at, word.size(), with);
  return text;
}

void add_forms(std::vector<Case>& all, const Case& plain) {
  all.push_back(plain);
  if (plain.scheme && plain.context == 0) {
    Case conditional = plain;
    conditional.context = 2;
    Json json = Json::parse(plain.config);
    // A smooth network, small enough that each unit of it sees the data.
    if (!json.contains("net")) json["net"] = Json::parse(R"({"hidden": [6], "activation": "tanh"})");
    if (json.contains("identity_half"))
      json["identity_half"] = {{"univariate", json["identity_half"]},
                               {"net", Json::parse(R"({"hidden": [5], "activation": "tanh"})")}};
    conditional.config = json.dump();
    all.push_back(conditional);
  }
  const std::size_t count = all.size();
  for (std::size_t i = count - (plain.scheme && plain.context == 0 ? 2 : 1); i < count; ++i) {
    Json json = Json::parse(all[i].config);
    if (json.contains("inverse")) continue;
    json["inverse"] = true;
    Case turned = all[i];
    turned.config = json.dump();
    turned.inverted = true;
    if (Subject<double>(turned).ok()) all.push_back(turned);
  }
}

}  // namespace

std::string Case::name() const {
  return config + " features=" + std::to_string(features) + " context=" + std::to_string(context);
}

bool filtered() { return std::getenv("FLOWFIT_CASES") != nullptr; }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (const transforms::TransformEntry& entry : transforms::transforms()) {
      for (const transforms::Example& example : entry.examples) {
        Case one{entry.type, example.config, example.features, example.context};
        one.tolerance = entry.tolerance;
        one.scheme = example.config.find("UNIVARIATE") != std::string::npos;
        if (!one.scheme) {
          add_forms(made, one);
          continue;
        }
        for (const transforms::UnivariateEntry& univariate : transforms::univariates()) {
          for (const std::string& text : univariate.examples) {
            one.config = replaced(example.config, "UNIVARIATE", text);
            one.tolerance = std::max(entry.tolerance, univariate.tolerance);
            one.further = &text != &univariate.examples.front();
            add_forms(made, one);
          }
        }
      }
    }
    if (filtered())
      std::erase_if(made, [&](const Case& one) { return one.config.find(std::getenv("FLOWFIT_CASES")) == std::string::npos; });
    return made;
  }();
  return all;
}

}  // namespace flowfit::test
