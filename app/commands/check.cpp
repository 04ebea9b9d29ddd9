// flowfit check: finds what is wrong with a config and its data, or with a model.
#include "commands/check.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands/config_file.h"
#include "commands/table.h"
#include "config/json.h"
#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"
#include "core/text.h"
#include "flow/check.h"
#include "terminal/log.h"
#include "training/train.h"

namespace flowfit::commands {
namespace {

using config::Json;

bool is_model(const std::string& path) {
  std::error_code none;
  return std::filesystem::is_directory(path, none) || std::filesystem::path(path).extension() == ".safetensors";
}

void print(const std::string& text) {
  core::Output out("-");
  out.buffer() += text;
  out.close();
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string shown_box(const flow::Integral& integral) {
  std::string text;
  for (std::size_t d = 0; d < integral.low.size(); ++d)
    text += (d > 0 ? " x [" : "[") + shown(integral.low[d]) + ", " + shown(integral.high[d]) + "]";
  return text;
}

std::string line(const char* label, bool ok, const std::string& text) {
  char start[32];
  std::snprintf(start, sizeof start, "%-14s%-7s", label, ok ? "ok" : "FAILED");
  return start + text + "\n";
}

std::string model_table(const std::string& path, const flow::ModelCheck& check) {
  std::string text = path + ", computed in float64 at rows drawn from it\n";
  text += line("round trip", check.round_trip.ok(),
               "largest error " + shown(check.round_trip.value) + " of a column's scale, at " + std::to_string(check.rows) +
                   " rows (limit " + shown(check.round_trip.limit) + ")");
  text += line("log-det", check.log_det.ok(),
               "largest difference " + shown(check.log_det.value) + " nats from finite differences, at " +
                   std::to_string(check.log_det_rows) + " rows (limit " + shown(check.log_det.limit) + ")");
  if (!check.integral) return text + line("normalization", true, "not integrated: more than two columns");
  char value[32];
  std::snprintf(value, sizeof value, "%.6f", check.integral->value);
  return text + line("normalization", check.integral->off.ok(),
                     std::string("the density integrates to ") + value + " over " + shown_box(*check.integral) + " (limit 1 ± " +
                         shown(check.integral->off.limit) + ")");
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json figure_json(const flow::Figure& figure, std::size_t rows) {
  return {{"ok", figure.ok()}, {"largest", number_or_null(figure.value)}, {"limit", figure.limit}, {"rows", rows}};
}

Json model_json(const std::string& path, const flow::ModelCheck& check) {
  Json json;
  json["ok"] = check.ok();
  json["model"] = path;
  json["round_trip"] = figure_json(check.round_trip, check.rows);
  json["log_det"] = figure_json(check.log_det, check.log_det_rows);
  json["integral"] = nullptr;
  if (const auto& i = check.integral)
    json["integral"] = {{"ok", i->off.ok()},
                        {"value", number_or_null(i->value)},
                        {"error_estimate", number_or_null(i->error)},
                        {"limit", i->off.limit},
                        {"low", i->low},
                        {"high", i->high},
                        {"points", i->points}};
  return json;
}

}  // namespace

std::string_view Check::help() const {
  return R"(usage: flowfit check CONFIG [DATA] [--json]
       flowfit check MODEL [--json]

Of a config: reads it as `train` would, with the data when given, reports every mistake (exit 2 for the config, 3 for the data),
and remarks on what is legal but doubtful: ties, duplicated columns, outliers. Trains nothing, writes nothing.

Of a model (a run folder or a .safetensors file): decodes what it encodes, compares log-determinants with finite differences,
and, for one or two columns, integrates the density. Exit 7 when one of them is off.

Options
      --json   one JSON object; of a config, with every default written out under "config"

Examples
  flowfit check configs/circles.json data/circles.csv
  flowfit check configs/circles.json data/circles.csv --json | jq .config
  flowfit check runs/circles
)";
}

void Check::options(Options& options) {
  options.positional("SUBJECT", subject_);
  options.positional("DATA", data_);
  options.flag("--json", json_);
}

int Check::run(const Context& context) {
  return is_model(needed(subject_, name(), "CONFIG or MODEL")) ? check_model(context) : check_config(context);
}

int Check::check_config(const Context& context) {
  (void)context;
  const std::string config = read_config(*subject_);
  std::optional<data::Dataset> data;
  if (data_)
    data = read_data(*data_, config, *subject_);
  else if (!names_columns(config, *subject_))
    throw core::ConfigError(*subject_ +
                            ": names no columns under data.columns; name them there, or give the data: flowfit check " +
                            *subject_ + " DATA");
  const training::Checked checked = training::check(config, *subject_, data ? &*data : nullptr);
  if (json_) {
    Json json;
    json["ok"] = true;
    json["columns"] = checked.columns;
    json["context"] = checked.context;
    json["parameters"] = checked.parameters;
    json["rows"] = data ? Json(data->rows()) : Json();
    json["remarks"] = checked.remarks;
    json["config"] = config::parse_json(checked.resolved, *subject_);
    print(config::print_json(json, 2) + "\n");
    return 0;
  }
  std::string text = "ok: " + counted(checked.columns, "column") +
                     (checked.context > 0 ? " given " + std::to_string(checked.context) : "") + ", " +
                     counted(checked.parameters, "parameter") + (data ? ", " + counted(data->rows(), "row") : "") + "\n";
  for (const std::string& remark : checked.remarks) text += "remark: " + remark + "\n";
  print(text);
  return 0;
}

int Check::check_model(const Context& context) {
  if (data_) throw core::ConfigError("unexpected argument " + core::quoted(*data_) + "; a model is checked without data");
  const std::string path = flow::model_path(*subject_);
  const std::unique_ptr<flow::Model> model = flow::load_model(path, true);
  core::ThreadPool pool(context.threads);
  const flow::ModelCheck check = flow::check_model(*model, pool);
  print(json_ ? config::print_json(model_json(path, check), 2) + "\n" : model_table(path, check));
  if (check.ok()) return 0;
  std::vector<std::string> failed;
  if (!check.round_trip.ok()) failed.emplace_back("round trip");
  if (!check.log_det.ok()) failed.emplace_back("log-det");
  if (check.integral && !check.integral->off.ok()) failed.emplace_back("normalization");
  terminal::error(path + ": failed " + core::joined(failed));
  return static_cast<int>(core::Exit::check);
}

}  // namespace flowfit::commands
