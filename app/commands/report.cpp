// flowfit report: a page about a model beside a table, in one file.
#include "commands/report.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "commands/inspect.h"
#include "config/json.h"
#include "core/build.h"
#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"
#include "core/text.h"
#include "drawing/figures.h"
#include "drawing/gnuplot.h"
#include "drawing/page.h"
#include "terminal/signals.h"

namespace flowfit::commands {
namespace {

using config::Json;
using drawing::Subject;

constexpr drawing::Paper paper{drawing::Paper::inline_svg};
constexpr std::size_t most_columns = 48, most_of_pairs = 6;

std::string figure_of(double value, int digits = 6) {
  if (!std::isfinite(value)) return value < 0 ? "−∞" : value > 0 ? "∞" : "–";
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  std::string shown = text;
  if (shown.front() == '-') shown.replace(0, 1, "−");
  return shown;
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_float() ? figure_of(value.get<double>()) : config::print_json(value);
}

/// The first columns, at most `most`.
std::vector<std::size_t> first_columns(const Subject& subject, std::size_t most) {
  std::vector<std::size_t> shown(std::min(subject.model.schema().columns.size(), most));
  for (std::size_t c = 0; c < shown.size(); ++c) shown[c] = c;
  return shown;
}

/// The first that are numbers: codes of categories have no order, and no place in the base.
std::vector<std::size_t> first_numbers(const Subject& subject, std::size_t most) {
  std::vector<std::size_t> shown;
  const std::vector<data::Column>& columns = subject.model.schema().columns;
  for (std::size_t c = 0; c < columns.size() && shown.size() < most; ++c)
    if (columns[c].kind != data::Kind::categorical) shown.push_back(c);
  return shown;
}

std::string scores_section(const Subject& subject, const Json& record) {
  const double columns = static_cast<double>(subject.model.schema().columns.size());
  const auto bits = [&](double mean) { return figure_of(-mean / (columns * std::numbers::ln2)); };
  std::vector<std::vector<std::string>> rows;
  for (const auto& [part, nll, count] : {std::tuple("training rows, by the record", "train_nll", "rows"),
                                         std::tuple("validation rows, by the record", "validation_nll", "validation_rows")}) {
    if (!record.is_object() || !record.contains(nll) || !record[nll].is_number()) continue;
    const double mean = -record[nll].get<double>();
    rows.push_back({part, record.contains(count) ? text_of(record[count]) : "–", figure_of(mean), "–", bits(mean)});
  }
  const double mean = subject.outside > 0 ? -std::numeric_limits<double>::infinity() : subject.scores.mean;
  rows.push_back({subject.source, std::to_string(subject.total), figure_of(mean),
                  subject.outside > 0 ? "–" : figure_of(subject.scores.standard_error(), 3), bits(mean)});
  for (const auto& [name, scores] : {std::pair("a normal fitted to the training rows", subject.gaussian),
                                     std::pair("a mixture of normals, likewise", subject.mixture)}) {
    if (scores.count > 0)
      rows.push_back({std::string("the same by ") + name, std::to_string(scores.count), figure_of(scores.mean),
                      figure_of(scores.standard_error(), 3), bits(scores.mean)});
  }
  std::string html =
      "<h2>Scores</h2>\n" + drawing::html_table(
                                "Mean log-density a row, natural logarithm, in the units of the data; more is better. Bits a "
                                "dimension: −mean / (columns · ln 2).",
                                {"", "rows", "mean logprob (nats)", "standard error", "bits a dimension"}, rows);
  if (subject.outside > 0)
    html += "<p>" + core::counted(subject.outside, "row") + " of " + drawing::escaped(subject.source) +
            " outside the support of the model: density zero.</p>\n";
  return html;
}

std::string training_section(const std::string& model_name, const flow::Model& model, const Json& record) {
  std::string html = "<h2>Training</h2>\n";
  if (record.empty()) {
    html += "<p>The model holds no record of a training: a script made it.</p>\n";
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [key, value] : record.items()) rows.push_back({key, text_of(value)});
    html += drawing::html_table("What training noted; nll in nats a row.", {}, rows);
  }
  if (const std::optional<drawing::LossCurve> curve = drawing::read_loss(model_name, model.record()))
    return html + drawing::html_figure(drawing::loss_figure(*curve, paper));
  return html + "<p>No loss curve: " + drawing::escaped(model_name) + " is not a run folder with a metrics.jsonl.</p>\n";
}

std::string columns_table(const Subject& subject, const std::vector<std::size_t>& shown) {
  const auto summary = [](const std::vector<double>& values) {
    core::Moments moments;
    const std::vector<double> sorted = diagnostics::sorted_finite(values);
    for (const double v : sorted) moments.add(v);
    std::vector<std::string> cells;
    // Of a mean that rounding alone keeps from zero nothing is left.
    const double mean = std::abs(moments.mean) < 1e-9 * moments.deviation() ? 0 : moments.mean;
    for (const double v : {mean, moments.deviation(), diagnostics::quantile(sorted, 0.05), diagnostics::quantile(sorted, 0.5),
                           diagnostics::quantile(sorted, 0.95)})
      cells.push_back(figure_of(v));
    return cells;
  };
  std::vector<std::vector<std::string>> rows;
  for (const std::size_t c : shown) {
    if (!subject.model.schema().columns[c].categories.empty()) continue;
    for (const bool drawn : {false, true}) {
      std::vector<std::string> row{drawn ? "" : subject.model.schema().columns[c].name, drawn ? "draws" : "data"};
      for (std::string& cell : summary(drawn ? subject.draws[c] : subject.rows[c])) row.push_back(std::move(cell));
      rows.push_back(std::move(row));
    }
  }
  if (rows.empty()) return {};
  return drawing::html_table("Of the rows and draws of these histograms.",
                             {"column", "", "mean", "deviation", "5 %", "median", "95 %"}, rows);
}

/// The commonest categories of each column.
std::string categories_table(const Subject& subject, const std::vector<std::size_t>& shown) {
  constexpr std::size_t most = 10;
  std::vector<std::vector<std::string>> rows;
  const auto shares = [](const std::vector<double>& codes, std::size_t categories) {
    std::vector<double> share(categories, 0.0);
    for (const double code : codes) share[static_cast<std::size_t>(code)] += 1 / static_cast<double>(codes.size());
    return share;
  };
  const auto percent = [](double share) { return figure_of(std::round(1000 * std::max(0.0, share)) / 10) + " %"; };
  for (const std::size_t c : shown) {
    const std::vector<std::string>& names = subject.model.schema().columns[c].categories;
    if (names.empty()) continue;
    const std::vector<double> data = shares(subject.rows[c], names.size()), draws = shares(subject.draws[c], names.size());
    std::vector<std::size_t> order(names.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return data[a] > data[b]; });
    double rest_of_data = 1, rest_of_draws = 1;
    for (std::size_t i = 0; i < std::min(most, order.size()); ++i) {
      const std::size_t k = order[i];
      rows.push_back({i == 0 ? subject.model.schema().columns[c].name : "", names[k], percent(data[k]), percent(draws[k])});
      rest_of_data -= data[k];
      rest_of_draws -= draws[k];
    }
    if (order.size() > most)
      rows.push_back({"", core::counted(order.size() - most, "other"), percent(rest_of_data), percent(rest_of_draws)});
  }
  if (rows.empty()) return {};
  return drawing::html_table("The commonest categories, as shares of the rows and of the draws.",
                             {"column", "category", "data", "draws"}, rows);
}

std::string body(const std::string& model_name, const Subject& subject, const std::string& gnuplot) {
  const flow::Model& model = subject.model;
  const data::Schema& schema = model.schema();
  const Json record = model.record().empty() ? Json::object() : config::parse_json(model.record(), "record");
  std::size_t parameters = 0;
  for (const auto& p : model.parameters()) parameters += p.learned ? p.size : 0;
  const std::vector<std::size_t> shown = first_columns(subject, most_columns), numbers = first_numbers(subject, most_columns);

  std::string html = "<header>\n<h1>" + drawing::escaped(model_name) + "</h1>\n<p class=\"soft\">A normalizing flow of " +
                     core::counted(schema.columns.size(), "column") +
                     (schema.context.empty() ? "" : " given " + std::to_string(schema.context.size())) + ", " +
                     core::counted(parameters, "parameter") + " in " + (model.float64() ? "float64" : "float32") + ", beside " +
                     core::counted(subject.total, "row") + " of " + drawing::escaped(subject.source) +
                     "</p>\n</header>\n<main>\n";
  html += scores_section(subject, record) + training_section(model_name, model, record);
  html += "<h2>Marginals</h2>\n" + drawing::html_figure(drawing::marginals_figure(subject, shown, paper)) +
          columns_table(subject, shown) + categories_table(subject, shown);
  if (numbers.size() > 1)
    html += "<h2>Pairs of columns</h2>\n" +
            drawing::html_figure(drawing::pairs_figure(subject, first_numbers(subject, most_of_pairs), paper));
  html += "<h2>Calibration</h2>\n";
  if (model.traits().members == 1 && !numbers.empty()) html += drawing::html_figure(drawing::pit_figure(subject, numbers, paper));
  html += drawing::html_figure(drawing::coverage_figure(subject, paper));
  html += "<h2>Model</h2>\n<pre>" + drawing::escaped(description(flow::model_path(model_name), model)) +
          "</pre>\n<h2>Config</h2>\n<pre>" +
          drawing::escaped(config::print_json(config::parse_json(model.config(), "config"), 2)) + "</pre>\n</main>\n";
  return html + "<footer class=\"soft\">flowfit " + core::version() + ", pictures by " + drawing::escaped(gnuplot) +
         ".</footer>\n";
}

}  // namespace

std::string_view Report::help() const {
  return R"(usage: flowfit report MODEL DATA [-o FILE] [--delimiter C]

Writes one HTML page about a model beside the rows of DATA (CSV; "-" is standard input): scores, loss curve, marginals, pairs of
columns with contours of the density, probability integral transforms, coverage, and the config. The page stands alone: pictures
are inside, and nothing is loaded from anywhere. All rows are scored; of a long table the pictures show a fixed choice. They are
drawn with gnuplot (package gnuplot-nox). DATA that was held out shows most.

Options
  -o, --output FILE   where to write (default: standard output)
      --delimiter C   what separates the fields of DATA: tab, semicolon, … (default: comma; tab for .tsv)

Example
  flowfit report runs/circles test.csv -o report.html
)";
}

void Report::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("DATA", data_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
}

int Report::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL and DATA");
  const std::string& table = needed(data_, name(), "DATA after MODEL");
  const std::string output = output_.value_or("-");
  if (output == "-" && ::isatty(STDOUT_FILENO) == 1)
    throw core::ConfigError("report: expected -o FILE, or standard output to a file, got a terminal");
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  refuse_overwriting(output, flow::model_path(model_name));
  refuse_overwriting(output, table);
  const std::string gnuplot = drawing::gnuplot_version();  // before time is spent

  if (output != "-") terminal::catch_signals();
  core::Output out(output);
  core::ThreadPool pool(context.threads);
  const Subject subject = drawing::gather(*model, {table, delimiter_option(delimiter_)}, true, pool);
  out.buffer() += drawing::html_page(model_name + " – flowfit", body(model_name, subject, gnuplot));
  terminal::stop_if_signalled();
  out.close();
  return 0;
}

}  // namespace flowfit::commands
