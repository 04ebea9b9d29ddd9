// flowfit plot: one picture of a model, as a file or in the terminal.
#include "commands/plot.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"
#include "core/text.h"
#include "drawing/figures.h"
#include "drawing/gnuplot.h"
#include "terminal/signals.h"
#include "terminal/status_line.h"

namespace flowfit::commands {
namespace {

using drawing::Paper;

enum class What { pairs, marginals, density, pit, coverage, loss };
const std::vector<std::string> words{"pairs", "marginals", "density", "pit", "coverage", "loss"};

constexpr std::size_t most_columns = 24, most_of_pairs = 6, usual_of_text_pairs = 3;

/// By the name of the output; without one a text for the terminal.
Paper paper_for(const Text& output) {
  if (output) {
    const std::string ending = std::filesystem::path(*output).extension().string();
    if (ending != ".svg" && ending != ".png")
      throw core::ConfigError(core::message("--output", "expected a name that ends in .svg or .png", core::quoted(*output)));
    return {ending == ".svg" ? Paper::svg : Paper::png};
  }
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* const no_color = std::getenv("NO_COLOR");
  constexpr int narrowest = 40, widest = 240, usual = 80;
  return {Paper::text, terminal ? std::clamp(terminal::StatusLine::width() - 1, narrowest, widest) : usual,
          terminal && (no_color == nullptr || *no_color == '\0')};
}

/// The places of the columns to show.
std::vector<std::size_t> shown_columns(const std::vector<std::string>& wanted, const std::vector<data::Column>& columns,
                                       What what, bool text) {
  const auto transforms = [&](const data::Column& column) { return what != What::pit || column.kind != data::Kind::categorical; };
  std::vector<std::size_t> shown;
  for (const std::string& name : wanted) {
    const auto found = std::ranges::find(columns, name, &data::Column::name);
    if (found == columns.end()) {
      std::vector<std::string> names;
      for (const data::Column& column : columns) names.push_back(column.name);
      throw core::ConfigError("--column: no column " + core::quoted(name) + " in the model; " + core::suggestion(name, names));
    }
    const auto place = static_cast<std::size_t>(found - columns.begin());
    if (std::find(shown.begin(), shown.end(), place) != shown.end())
      throw core::ConfigError("--column: column " + core::quoted(name) + " is given twice");
    if (!transforms(*found))
      throw core::ConfigError(
          core::message("--what pit", "expected columns of numbers", core::quoted(name) + ", one of categories"));
    shown.push_back(place);
  }
  const std::size_t most = what == What::pairs ? most_of_pairs : most_columns;
  if (shown.size() > most)
    throw core::ConfigError(
        core::message("--column", "expected at most " + std::to_string(most) + " of them", std::to_string(shown.size())));
  const std::size_t usual = what == What::pairs && text ? usual_of_text_pairs : most;
  for (std::size_t c = 0; wanted.empty() && c < columns.size() && shown.size() < usual; ++c)
    if (transforms(columns[c])) shown.push_back(c);
  if (shown.empty()) throw core::ConfigError(core::message("--what pit", "expected columns of numbers", "categories alone"));
  if (what == What::pairs && shown.size() < 2)
    throw core::ConfigError(
        core::message("--what pairs", "expected two columns or more", "one", "draw it with --what marginals"));
  return shown;
}

drawing::Figure figure_of(What what, const drawing::Subject& subject, const std::vector<std::size_t>& shown, const Paper& paper) {
  switch (what) {
    case What::marginals:
      return drawing::marginals_figure(subject, shown, paper);
    case What::density:
      return drawing::density_figure(subject, paper);
    case What::pit:
      return drawing::pit_figure(subject, shown, paper);
    case What::coverage:
      return drawing::coverage_figure(subject, paper);
    default:
      return drawing::pairs_figure(subject, shown, paper);
  }
}

}  // namespace

std::string_view Plot::help() const {
  return R"(usage: flowfit plot MODEL [DATA] [--what PICTURE] [-o FILE.svg|FILE.png] [--column NAME ...]
                    [--delimiter C]

Draws one picture of a model with gnuplot (package gnuplot-nox): into a file, or as text on standard output. DATA is a CSV with
the model's columns; of a long table a fixed choice of 10000 rows is used, beside 10000 draws of the model.

Options
      --what pairs|marginals|density|pit|coverage|loss
                      the picture (default: pairs; of a single column marginals). pit and coverage need DATA, and so does every
                      picture of a conditional model but loss
      --column NAME   a column to show, as often as needed (default: the first 24; of pairs 6, in a text 3)
  -o, --output FILE   where to write, by its ending an SVG or a PNG (default: a text picture on standard output)
      --delimiter C   what separates the fields of DATA: tab, semicolon, … (default: comma; tab for .tsv)

Pictures
  pairs       two columns at a time: rows, draws, and where the model's density is highest
  marginals   a histogram of each column, rows and draws
  density     exp(logprob) over one or two columns
  pit         probability integral transforms: rows in the base's units, uniform where the model is right
  coverage    share of rows in the model's highest-density regions
  loss        nll by training step, of a run folder

Examples
  flowfit plot runs/circles data/circles.csv
  flowfit plot runs/circles data/circles.csv --what pairs -o pairs.svg
  flowfit plot runs/circles --what loss -o loss.png
)";
}

void Plot::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("DATA", data_);
  options.value("--what", what_);
  options.values("--column", columns_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
}

int Plot::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL");
  const Paper paper = paper_for(output_);
  std::optional<What> what;
  if (what_) what = static_cast<What>(choice("--what", *what_, words));
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  const std::vector<std::string> names = model->schema().names();
  if (!what) what = names.size() > 1 ? What::pairs : What::marginals;
  const std::string picture = "--what " + words[static_cast<std::size_t>(*what)];
  if ((*what == What::pit || *what == What::coverage) && !data_)
    throw core::ConfigError(core::message(picture, "expected DATA after MODEL", "nothing"));
  if (*what == What::pit && model->traits().members > 1)
    throw core::ConfigError(core::message(picture, "expected a model with one base", "an ensemble; choose another picture"));
  if (*what == What::density && !drawing::has_curve(*model))
    throw core::ConfigError(core::message(picture,
                                          "expected a model of one or two columns, without context, whole numbers or categories",
                                          "another one", "draw its pairs or marginals"));
  const std::vector<std::size_t> shown = shown_columns(columns_, model->schema().columns, *what, paper.kind == Paper::text);
  if (names.size() == 1 && *what == What::density) what = What::marginals;
  const std::string output = output_.value_or("-");
  refuse_overwriting(output, flow::model_path(model_name));
  if (data_) refuse_overwriting(output, *data_);
  drawing::gnuplot_version();  // before time is spent

  if (output_) terminal::catch_signals();
  core::Output out(output);
  core::ThreadPool pool(context.threads);
  if (*what == What::loss) {
    const std::optional<drawing::LossCurve> curve = drawing::read_loss(model_name, model->record());
    if (!curve)
      throw core::ConfigError(core::message(picture, "expected a run folder with a metrics.jsonl", core::quoted(model_name)));
    out.buffer() += drawing::render(drawing::loss_figure(*curve, paper));
  } else {
    const drawing::Subject subject = drawing::gather(*model, {data_.value_or(""), delimiter_option(delimiter_)}, false, pool);
    out.buffer() += drawing::render(figure_of(*what, subject, shown, paper));
  }
  terminal::stop_if_signalled();
  out.close();
  return 0;
}

}  // namespace flowfit::commands
