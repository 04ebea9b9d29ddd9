// The summary of a training as one JSON object, and back.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "training/train.h"

namespace flowfit::training {

using config::Json;

std::string Summary::json() const {
  return config::print_json(
      {{"run", run},
       {"model", model},
       {"steps", steps},
       {"best_step", best_step},
       {"train_nll", std::isfinite(train_nll) ? Json(train_nll) : Json()},
       {"validation_nll", validation_nll && std::isfinite(*validation_nll) ? Json(*validation_nll) : Json()},
       {"seconds", seconds},
       {"rows", rows},
       {"validation_rows", validation_rows},
       {"parameters", parameters},
       {"stopped", stopped}});
}

Summary Summary::parse(const std::string& json) {
  const Json j = config::parse_json(json, "summary");
  const auto number = [&](const char* key) {
    return j.at(key).is_null() ? std::optional<double>() : std::optional(j.at(key).template get<double>());
  };
  Summary s;
  j.at("run").get_to(s.run);
  j.at("model").get_to(s.model);
  j.at("steps").get_to(s.steps);
  j.at("best_step").get_to(s.best_step);
  s.train_nll = number("train_nll").value_or(std::numeric_limits<double>::infinity());
  s.validation_nll = number("validation_nll");
  j.at("seconds").get_to(s.seconds);
  j.at("rows").get_to(s.rows);
  j.at("validation_rows").get_to(s.validation_rows);
  j.at("parameters").get_to(s.parameters);
  j.at("stopped").get_to(s.stopped);
  return s;
}

}  // namespace flowfit::training
