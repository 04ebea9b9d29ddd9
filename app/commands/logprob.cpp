// flowfit logprob: scores the rows of a table.
#include "commands/logprob.h"

#include <algorithm>
#include <cmath>

#include "commands/table.h"
#include "core/error.h"
#include "core/parallel.h"
#include "flow/model.h"
#include "terminal/log.h"
#include "terminal/signals.h"

namespace flowfit::commands {
namespace {

bool is_whole(const Table& table, std::size_t row) {
  for (const auto* part : {&table.columns, &table.context})
    for (const std::vector<double>& column : *part)
      if (std::isnan(column[row])) return false;
  return true;
}

}  // namespace

std::string_view Logprob::help() const {
  return R"(usage: flowfit logprob MODEL [FILE] [-o FILE] [options]

Scores the rows of a table (standard input when FILE is absent or "-"): one column `logprob`, the natural logarithm of each row's
density, in the units of the data. Columns are found by name, in any order. Reads and writes as a stream, in constant memory.

Options
  -o, --output FILE   where to write (default: standard output); its ending says how: .csv, .tsv, .jsonl, .npy
      --delimiter C       what separates the fields of FILE: tab, semicolon, … (default: comma; tab for .tsv)
      --append        keep the columns of the input, as they are written, and add `logprob`
      --invalid HOW   what to do with a row that has a cell that is no number: error (the default), nan (score it as nan), or
                      skip (leave it out)

Examples
  flowfit logprob runs/circles points.csv > scores.csv
  flowfit sample runs/circles -n 100000 | flowfit logprob runs/circles --append | awk -F, '$3 > -1'
)";
}

void Logprob::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
  options.flag("--append", append_);
  options.value("--invalid", invalid_);
}

int Logprob::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL");
  const std::string input = file_.value_or("-"), output = output_.value_or("-");
  TableWish wish;
  wish.keep_text = append_;
  wish.delimiter = delimiter_option(delimiter_);
  wish.ahead = context.threads > 1;
  if (invalid_) wish.bad = static_cast<data::BadCell>(choice("--invalid", *invalid_, {"error", "nan", "skip"}));
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  refuse_overwriting(output, input);
  refuse_overwriting(output, flow::model_path(model_name));
  Table table(input, model->schema(), wish);
  if (append_ &&
      std::find(table.reader().header().begin(), table.reader().header().end(), "logprob") != table.reader().header().end())
    throw core::DataError(table.reader().name() + ": has a column \"logprob\" already; leave out --append, or rename the column");

  if (output != "-") terminal::catch_signals();
  core::ThreadPool pool(context.threads);
  data::TableWriter out =
      append_ ? data::TableWriter(output, table.reader().header_line(), table.reader().delimiter(), {{"logprob"}}, pool)
              : data::TableWriter(output, {{"logprob"}}, pool);
  data::Columns columns(1);
  std::vector<double>& scores = columns.front();
  std::size_t outside = 0, invalid = 0;
  while (table.read()) {
    scores.resize(table.rows());
    model->log_prob(table.columns, table.context, scores, pool);
    for (std::size_t row = 0; row < scores.size(); ++row) {
      if (wish.bad == data::BadCell::nan && !is_whole(table, row)) {
        scores[row] = std::nan("");
        ++invalid;
      } else if (std::isinf(scores[row]) && scores[row] < 0) {
        ++outside;
      }
    }
    out.write({&columns}, table.rows(), table.lines());
    if (table.stalled()) out.flush();
    terminal::stop_if_signalled();
  }
  terminal::stop_if_signalled();  // the end of the input may be the same Ctrl-C
  out.close();
  const std::string& source = table.reader().name();
  if (const std::size_t skipped = table.reader().skipped(); skipped > 0)
    terminal::warning(source + ": left out " + counted(skipped, "row") + " with a cell that is no number");
  if (invalid > 0) terminal::warning(source + ": " + counted(invalid, "row") + " with a cell that is no number scored as nan");
  if (outside > 0)
    terminal::warning(source + ": " + std::to_string(outside) + " of " + counted(table.total(), "row") +
                      (outside == 1 ? " lies" : " lie") + " outside the support (logprob -inf)");
  return 0;
}

}  // namespace flowfit::commands
