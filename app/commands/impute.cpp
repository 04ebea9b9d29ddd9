// flowfit impute: fills missing cells by draws given the row's other cells.
#include "commands/impute.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/parallel.h"
#include "core/text.h"
#include "flow/impute.h"
#include "tables/table.h"
#include "terminal/log.h"
#include "terminal/signals.h"

namespace flowfit::commands {
namespace {

void refuse_missing_context(const tables::Table& table, const std::vector<std::string>& names) {
  for (std::size_t c = 0; c < table.context.size(); ++c) {
    const auto& column = table.context[c];
    const auto gap = std::ranges::find_if(column, [](double v) { return std::isnan(v); });
    if (gap != column.end())
      throw core::DataError(table.reader().name() + ": row " +
                            std::to_string(table.total() - table.rows() + static_cast<std::size_t>(gap - column.begin()) + 1) +
                            " lacks " + core::quoted(names[c]) +
                            ", which the model is given; only columns that it models can be filled");
  }
}

std::string one_decimal(double value) { return core::number(std::round(10 * value) / 10); }

void tell(const flow::Imputed& all, const std::string& source, int candidates) {
  if (all.cells == 0) return terminal::notice(source + ": no cell is missing");
  std::string text = source + ": filled " + core::counted(all.cells, "cell");
  if (all.exact_rows > 0) text += "; " + core::counted(all.exact_rows, "row") + " by exact conditional draws";
  if (all.resampled_rows > 0)
    text += "; " + core::counted(all.resampled_rows, "row") + " by resampling " + std::to_string(candidates) +
            " candidates, worth " + one_decimal(all.effective_sum / static_cast<double>(all.resampled_rows)) +
            " of equal weight on average, " + one_decimal(all.effective_least) + " at least";
  constexpr double few = 10;
  if (all.resampled_rows > 0 && all.effective_least < few)
    terminal::warning(text + "; where few candidates count, draw more of them with --candidates");
  else
    terminal::notice(text);
}

}  // namespace

std::string_view Impute::help() const {
  return R"(usage: flowfit impute MODEL [FILE] [--seed S] [--candidates N] [-o FILE] [--delimiter C]

Fills the missing cells (empty, NA, nan, null, …) of the modelled columns of a table by draws from their distribution given the
row's other cells, and writes the model's columns, context in front. Cells that are there stay as they are, and one that is
neither missing nor a number is an error. Another seed gives another draw: several tables filled so carry the uncertainty
(multiple imputation).

Where the flow keeps one order of the columns and no cell that is there hangs on a missing one, draws are exact. Elsewhere a
row's cells are one of N candidates, drawn by the mixture baseline and taken by importance weights; the notice on standard error
says what the candidates are worth: their effective sample size. Missing cells of columns of kind integer, categorical or periodic
are refused.

Options
  -s, --seed S         another stream of draws (default: 0)
      --candidates N   for each row that has no exact draw (default: 200)
  -o, --output FILE    where to write (default: standard output)
      --delimiter C    what separates the fields of FILE: tab, semicolon, … (default: comma; tab for .tsv)

Example
  flowfit impute runs/penguins data/penguins.csv -o filled.csv
)";
}

void Impute::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
  options.value("-s,--seed", seed_);
  options.value("--candidates", candidates_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
}

int Impute::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL");
  const std::string input = file_.value_or("-"), output = output_.value_or("-");
  const std::uint64_t seed = seed_ ? seed_number("--seed", *seed_) : 0;
  const int candidates = candidates_ ? static_cast<int>(whole_number("--candidates", *candidates_, 1, 1 << 20)) : 200;
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  refuse_overwriting(output, input);
  refuse_overwriting(output, flow::model_path(model_name));
  const std::vector<std::string> given = model->schema().context_names();
  tables::Table table(input, model->schema(),
                      tables::TableWish{.bad = data::BadCell::keep_missing, .delimiter = delimiter_option(delimiter_)});

  if (output != "-") terminal::catch_signals();
  core::ThreadPool pool(context.threads);
  std::vector<data::Heading> columns = tables::headings(model->schema().context);
  std::ranges::copy(tables::headings(model->schema().columns), std::back_inserter(columns));
  data::TableWriter out(output, columns, pool);
  flow::Imputed all;
  while (table.read()) {
    refuse_missing_context(table, given);
    const flow::Imputed some = flow::impute(*model, table.columns, table.context, table.total() - table.rows(), seed, candidates,
                                            pool, table.reader().name());
    all.effective_least = all.resampled_rows == 0    ? some.effective_least
                          : some.resampled_rows == 0 ? all.effective_least
                                                     : std::min(all.effective_least, some.effective_least);
    all.cells += some.cells;
    all.exact_rows += some.exact_rows;
    all.resampled_rows += some.resampled_rows;
    all.effective_sum += some.effective_sum;
    out.write({&table.context, &table.columns}, table.rows());
    if (table.stalled()) out.flush();
    terminal::stop_if_signalled();
  }
  terminal::stop_if_signalled();
  out.close();
  tell(all, table.reader().name(), candidates);
  return 0;
}

}  // namespace flowfit::commands
