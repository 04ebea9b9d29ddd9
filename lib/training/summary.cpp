// A training's summary as one line of JSON, and back.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "training/train.h"

namespace flowfit::training {
namespace {

using config::Json;
using config::number_or_null;

}  // namespace

std::string Summary::json() const {
  return config::print_json({{"run", run},
                             {"model", model},
                             {"steps", steps},
                             {"best_step", best_step},
                             {"train_nll", number_or_null(train_nll)},
                             {"validation_nll", number_or_null(validation_nll)},
                             {"gaussian_nll", number_or_null(gaussian_nll)},
                             {"mixture_nll", number_or_null(mixture_nll)},
                             {"seconds", seconds},
                             {"rows", rows},
                             {"validation_rows", validation_rows},
                             {"parameters", parameters},
                             {"stopped", stopped}});
}

Summary Summary::parse(const std::string& json) {
  const Json j = config::parse_json(json, "summary");
  const auto number = [&](const char* key) {
    const auto found = j.find(key);
    return found == j.end() || found->is_null() ? std::optional<double>() : std::optional(found->get<double>());
  };
  Summary s;
  j.at("run").get_to(s.run);
  j.at("model").get_to(s.model);
  j.at("steps").get_to(s.steps);
  j.at("best_step").get_to(s.best_step);
  s.train_nll = number("train_nll").value_or(std::numeric_limits<double>::infinity());
  s.validation_nll = number("validation_nll");
  s.gaussian_nll = number("gaussian_nll");
  s.mixture_nll = number("mixture_nll");
  j.at("seconds").get_to(s.seconds);
  j.at("rows").get_to(s.rows);
  j.at("validation_rows").get_to(s.validation_rows);
  j.at("parameters").get_to(s.parameters);
  j.at("stopped").get_to(s.stopped);
  return s;
}

}  // namespace flowfit::training
