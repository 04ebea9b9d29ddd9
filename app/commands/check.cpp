// flowfit check: finds what is wrong with a config and its data, or with a model.
#include "commands/check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands/config_file.h"
#include "commands/json.h"
#include "config/json.h"
#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"
#include "core/text.h"
#include "flow/check.h"
#include "flow/parts.h"
#include "terminal/log.h"
#include "training/train.h"

namespace flowfit::commands {
namespace {

using config::Json;

bool is_model(const std::string& path) {
  std::error_code none;
  return std::filesystem::is_directory(path, none) || std::filesystem::path(path).extension() == ".safetensors";
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string fixed(double value, const char* format = "%.6f") {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// "2000 rows", "1 tensor".
std::string over(std::size_t count, const char* what) { return "; " + core::counted(count, what); }

std::string shown_box(const flow::Integral& integral) {
  std::string text;
  for (std::size_t d = 0; d < integral.low.size(); ++d)
    text += (d > 0 ? " x [" : "[") + shown(integral.low[d]) + ", " + shown(integral.high[d]) + "]";
  return text;
}

std::string line(const char* label, const std::string& verdict, const std::string& measured, const std::string& bound,
                 const std::string& what) {
  std::string text;
  const auto cell = [&](const std::string& value, std::size_t width) {
    // What stands on the screen: the bytes that begin a character.
    const auto shown = static_cast<std::size_t>(std::ranges::count_if(value, [](char c) { return (c & 0xC0) != 0x80; }));
    text += value + std::string(shown < width ? width - shown + 2 : 2, ' ');
  };
  cell(label, 22);
  cell(verdict, 7);
  cell(measured, 9);
  cell(bound, 10);
  return text + what + "\n";
}

std::string verdict(const flow::Figure& figure) { return !figure.judged ? "open" : figure.ok() ? "ok" : "FAILED"; }

std::string line(const char* label, const flow::Figure& figure, const std::string& what) {
  return line(label, verdict(figure), shown(figure.value), shown(figure.limit), what);
}

std::string mass_line(const char* label, const flow::CheckedMass& checked, const char* ratio) {
  const flow::Mass& m = checked.mass;
  return line(label, verdict(checked.off), fixed(m.value, "%.4f"), "1 ± " + fixed(checked.off.limit, "%.4f"),
              std::string(ratio) + over(m.rows, "row") + ", worth " + fixed(m.effective, "%.0f") + " of equal weight" +
                  (m.beyond > 0 ? ", " + shown(100 * m.beyond) + " % of the mass counted instead" : ""));
}

std::string model_table(const std::string& path, const flow::ModelCheck& check) {
  std::string text =
      path + ", computed in float64 at rows drawn from it\n" + line("check", "verdict", "measured", "bound", "what is measured");
  if (const auto& c = check.categories) {
    text += line("category sums", c->sums, "largest difference of a column's probabilities' sum from 1" + over(c->rows, "row"));
    text += line("category draws", c->draws,
                 "largest difference of draws from probabilities, in standard deviations" + over(c->rows, "row"));
  }
  if (check.has_numbers && check.has_base) {
    text +=
        line("round trip", check.round_trip, "largest error of decode(encode(x)), in a column's scale" + over(check.rows, "row"));
    text += line("log-det", check.log_det,
                 "largest difference from that of the numeric Jacobian, in nats" + over(check.log_det_rows, "row"));
  }
  if (check.has_numbers)
    text += line("gradient by rows", check.row_gradient,
                 "largest relative difference of a score's gradient from differences" + over(check.gradient_rows, "row"));
  if (check.tensors > 0)
    text += line("gradient by parameters", check.parameter_gradient,
                 "the same by each parameter tensor" + over(check.tensors, "tensor") + ", most at " + check.parameter);
  if (check.has_numbers)
    text +=
        line("tails", check.tails.bad,
             "rows of " + std::to_string(check.tails.scored) + " up to 1e9 scales away that score no number, base points of " +
                 std::to_string(check.tails.decoded) + " that decode to none");
  if (check.integral)
    text += line("normalization", verdict(check.integral_off), fixed(check.integral->value),
                 "1 ± " + shown(check.integral_off.limit), "integral of the density over " + shown_box(*check.integral));
  if (check.wider) text += mass_line("normalization", *check.wider, "mean of p/q over draws of a wider mixture q");
  if (check.narrower) text += mass_line("samples", *check.narrower, "mean of q/p over draws of the model, q a narrower mixture");
  if (check.has_numbers && !check.has_base)
    text += "open: an ensemble has no one map to a base; round trip and log-det were not looked at\n";
  if (check.estimates)
    text += "open: a layer estimates its log-determinant; what depends on its error is not judged\n";
  else if (check.wider && !(check.wider->off.judged && check.narrower->off.judged))
    text += "open: too few draws of the one density are where the other has its mass\n";
  return text;
}

Json verdict_json(const flow::Figure& figure) {
  return {{"ok", figure.ok()}, {"judged", figure.judged}, {"limit", figure.limit}};
}

Json figure_json(const flow::Figure& figure, std::size_t rows) {
  Json json = verdict_json(figure);
  json["largest"] = number_or_null(figure.value);
  json["rows"] = rows;
  return json;
}

Json mass_json(const std::optional<flow::CheckedMass>& checked) {
  if (!checked) return nullptr;
  Json json = verdict_json(checked->off);
  json["value"] = number_or_null(checked->mass.value);
  json["standard_error"] = number_or_null(checked->mass.error);
  json["effective_rows"] = checked->mass.effective;
  json["counted"] = checked->mass.beyond;
  json["rows"] = checked->mass.rows;
  return json;
}

Json model_json(const std::string& path, const flow::ModelCheck& check) {
  Json json;
  json["ok"] = check.ok();
  json["model"] = path;
  json["estimates"] = check.estimates;
  json["category_sums"] = json["category_draws"] = nullptr;
  if (const auto& c = check.categories) {
    json["category_sums"] = figure_json(c->sums, c->rows);
    json["category_draws"] = figure_json(c->draws, c->rows);
  }
  const bool of_map = check.has_numbers && check.has_base;
  json["round_trip"] = of_map ? figure_json(check.round_trip, check.rows) : Json();
  json["log_det"] = of_map ? figure_json(check.log_det, check.log_det_rows) : Json();
  json["row_gradient"] = check.has_numbers ? figure_json(check.row_gradient, check.gradient_rows) : Json();
  json["parameter_gradient"] = nullptr;
  if (check.tensors > 0) {
    json["parameter_gradient"] = figure_json(check.parameter_gradient, check.gradient_rows);
    json["parameter_gradient"]["tensors"] = check.tensors;
    json["parameter_gradient"]["worst"] = check.parameter;
  }
  json["tails"] = nullptr;
  if (check.has_numbers) {
    json["tails"] = verdict_json(check.tails.bad);
    json["tails"]["bad"] = check.tails.bad.value;
    json["tails"]["scored"] = check.tails.scored;
    json["tails"]["decoded"] = check.tails.decoded;
  }
  json["integral"] = nullptr;
  if (const auto& i = check.integral) {
    json["integral"] = verdict_json(check.integral_off);
    json["integral"]["value"] = number_or_null(i->value);
    json["integral"]["error_estimate"] = number_or_null(i->error);
    json["integral"]["low"] = i->low;
    json["integral"]["high"] = i->high;
    json["integral"]["points"] = i->points;
  }
  json["wider"] = mass_json(check.wider);
  json["narrower"] = mass_json(check.narrower);
  return json;
}

}  // namespace

std::string_view Check::help() const {
  return R"(usage: flowfit check CONFIG [DATA] [--json]
       flowfit check MODEL [--json]

Of a config: reads it as `train` would, with the data when given, reports every mistake (exit 2 for the config, 3 for the data),
and remarks on what is legal but doubtful: ties, duplicated columns, outliers. Trains nothing, writes nothing.

Of a model (a run folder or a .safetensors file), at rows drawn from it, each with the most it may be off:
  round trip      decode(encode(x)) is x, as exactly as the layers promise
  log-det         log-determinants are those of the numeric Jacobian
  gradients       of the score, by the row and by every parameter tensor, are those of differences
  tails           rows far away score a number or -inf; the ends of the base decode to numbers
  normalization   one or two columns: the integral of the density is 1; more: the mean of p/q over draws of a wider q is 1
  samples         more than two columns: the mean of q/p over the model's draws is 1, q narrower
  category sums   the probabilities of a column's categories, given those before it, add up to 1
  category draws  categories are drawn as often as their probabilities say
Exit 7 when one of them is off. A conditional model is looked at for several contexts, numbers beside categories given these, and
whole numbers and places on a circle as numbers on the line, whose density a score sums over cells or turns.

Options
      --json          one JSON object; of a config, with every default written out under "config"
      --delimiter C   what separates the fields of DATA: tab, semicolon, … (default: comma; tab for .tsv)

Examples
  flowfit check configs/circles.json data/circles.csv
  flowfit check configs/circles.json data/circles.csv --json | jq .config
  flowfit check runs/circles
)";
}

void Check::options(Options& options) {
  options.positional("SUBJECT", subject_);
  options.positional("DATA", data_);
  options.value("--delimiter", delimiter_);
  options.flag("--json", json_);
}

int Check::run(const Context& context) {
  return is_model(needed(subject_, name(), "CONFIG or MODEL")) ? check_model(context) : check_config(context);
}

int Check::check_config(const Context& context) {
  const std::string config = read_config(*subject_);
  std::optional<data::Dataset> data;
  if (data_)
    data = read_data(*data_, config, *subject_, {.delimiter = delimiter_option(delimiter_)});
  else if (!names_columns(config, *subject_))
    throw core::ConfigError(*subject_ +
                            ": names no columns under data.columns; name them there, or give the data: flowfit check " +
                            *subject_ + " DATA");
  const training::Checked checked = training::check(config, *subject_, data ? &*data : nullptr, context.threads);
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
  std::string text = "ok: " + core::counted(checked.columns, "column") +
                     (checked.context > 0 ? " given " + std::to_string(checked.context) : "") + ", " +
                     core::counted(checked.parameters, "parameter") + (data ? ", " + core::counted(data->rows(), "row") : "") +
                     "\n";
  for (const std::string& remark : checked.remarks) text += "remark: " + remark + "\n";
  print(text);
  return 0;
}

int Check::check_model(const Context& context) {
  if (data_) throw core::ConfigError("unexpected argument " + core::quoted(*data_) + "; a model is checked without data");
  const std::string path = flow::model_path(*subject_);
  const flow::Parts parts = flow::load_parts(path, true), as_saved = flow::load_parts(path);
  core::ThreadPool pool(context.threads);
  const flow::ModelCheck check = flow::check_model({parts.categories.get(), parts.numbers.get(), as_saved.numbers.get()}, pool);
  print(json_ ? config::print_json(model_json(path, check), 2) + "\n" : model_table(path, check));
  if (check.ok()) return 0;
  std::vector<std::string> failed;
  for (const auto& [name, figure] : check.figures())
    if (!figure.ok()) failed.emplace_back(name);
  terminal::error(path + ": failed " + core::joined(failed));
  return static_cast<int>(core::Exit::check);
}

}  // namespace flowfit::commands
