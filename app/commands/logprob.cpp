// flowfit logprob: scores the rows of a table.
#include "commands/logprob.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "flow/model.h"
#include "tables/table.h"
#include "terminal/log.h"
#include "terminal/signals.h"

namespace flowfit::commands {
namespace {

bool is_whole(const tables::Table& table, std::size_t row) {
  for (const auto* part : {&table.columns, &table.context})
    for (const std::vector<double>& column : *part)
      if (std::isnan(column[row])) return false;
  return true;
}

/// `x2, then x1 given x2`
std::string shown(const flow::Conditionals& split, const std::vector<std::string>& names) {
  std::string text;
  for (const int d : split.order) {
    std::vector<std::string> looked_at;
    for (const int j : split.looks[static_cast<std::size_t>(d)]) looked_at.push_back(names[static_cast<std::size_t>(j)]);
    text += (text.empty() ? "" : ", then ") + names[static_cast<std::size_t>(d)] +
            (looked_at.empty() ? "" : " given " + core::joined(looked_at));
  }
  return text;
}

void need_conditionals(const flow::Model& model, const std::string& name) {
  const flow::Conditionals split = model.traits().conditionals;
  if (!split.reason.empty())
    throw core::ConfigError("--per-column: " + name +
                            ": this density is no product of conditionals of single columns: " + split.reason +
                            "; one is made by factors of one column each, or by layers that keep one order of the columns");
  terminal::notice("terms by column: " + shown(split, model.schema().names()));
}

/// Ascending scores of held-out rows: of a file, or those that training left in the model.
std::vector<double> calibration_scores(const flow::Model& model, const std::string& name, const Text& file, char delimiter,
                                       core::ThreadPool& pool) {
  if (!file) {
    if (model.reference().scores.empty())
      throw core::ConfigError("--pvalue: " + name +
                              " holds no scores of validation rows; give held-out rows with --calibration FILE");
    return model.reference().scores;
  }
  std::vector<double> all, scores;
  tables::Table table(*file, model.schema(), {.delimiter = delimiter});
  while (table.read()) {
    scores.resize(table.rows());
    model.log_prob(table.columns, table.context, scores, pool);
    all.insert(all.end(), scores.begin(), scores.end());
  }
  if (all.empty()) throw core::DataError(table.reader().name() + ": expected held-out rows, got a header only");
  std::ranges::sort(all);
  return all;
}

/// The share of held-out rows and the row itself that score no more than it (Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005, §2.2).
double conformal_p_value(const std::vector<double>& calibration, double score) {
  const auto below = std::ranges::upper_bound(calibration, score) - calibration.begin();
  return (1 + static_cast<double>(below)) / (static_cast<double>(calibration.size()) + 1);
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
      --per-column    also a column `logprob_NAME` for each column: log p(column | those before it), which sum to `logprob`. For
                      flows that keep one order of the columns, and factors of such; others are refused with the reason
      --pvalue        also a column `pvalue`: the share of held-out rows that score no more than the row, itself counted among
                      them. Uniform for rows like those of the training, small for anomalies
      --calibration FILE   the held-out rows, as CSV, instead of the validation rows whose scores the model keeps
      --invalid error|nan|skip
                      what to do with a row that has a cell that is no number (default: error; nan: score it as nan; skip:
                      leave it out). By default a model trained with "missing": "marginalize" scores the cells that are there

Examples
  flowfit logprob runs/circles points.csv > scores.csv
  flowfit sample runs/circles -n 100000 | flowfit logprob runs/circles --append | awk -F, '$3 > -1'
  flowfit logprob runs/circles new.csv --append --pvalue | awk -F, 'NR == 1 || $4 < 0.01'
)";
}

void Logprob::options(Options& options) {
  options.positional("MODEL", model_);
  options.positional("FILE", file_);
  options.value("-o,--output", output_);
  options.value("--delimiter", delimiter_);
  options.flag("--append", append_);
  options.flag("--per-column", per_column_);
  options.flag("--pvalue", p_value_);
  options.value("--calibration", calibration_);
  options.value("--invalid", invalid_);
}

int Logprob::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL");
  const std::string input = file_.value_or("-"), output = output_.value_or("-");
  tables::TableWish wish;
  wish.keep_text = append_;
  wish.delimiter = delimiter_option(delimiter_);
  wish.ahead = context.threads > 1;
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  wish.bad = tables::bad_cells(*model);
  if (invalid_) wish.bad = static_cast<data::BadCell>(choice("--invalid", *invalid_, {"error", "nan", "skip"}));
  refuse_overwriting(output, input);
  refuse_overwriting(output, flow::model_path(model_name));
  if (calibration_ && !p_value_) throw core::ConfigError("--calibration: expected with --pvalue, which is what it is for");
  if (calibration_) refuse_overwriting(output, *calibration_);
  core::ThreadPool pool(context.threads);
  if (per_column_) need_conditionals(*model, model_name);
  const std::vector<double> calibration =
      p_value_ ? calibration_scores(*model, model_name, calibration_, wish.delimiter, pool) : std::vector<double>();
  std::vector<std::string> added{"logprob"};
  if (per_column_)
    for (const std::string& column : model->schema().names()) added.push_back("logprob_" + column);
  if (p_value_) added.emplace_back("pvalue");
  tables::Table table(input, model->schema(), wish);
  for (const std::string& column : added) {
    if (append_ && std::ranges::find(table.reader().header(), column) != table.reader().header().end())
      throw core::DataError(table.reader().name() + ": has a column " + core::quoted(column) +
                            " already; leave out --append, or rename the column");
  }

  if (output != "-") terminal::catch_signals();
  data::TableWriter out =
      append_ ? data::TableWriter(output, table.reader().header_line(), table.reader().delimiter(), tables::headings(added), pool)
              : data::TableWriter(output, tables::headings(added), pool);
  data::Columns columns(1), terms, p_values(p_value_ ? 1 : 0);
  std::vector<double>& scores = columns.front();
  std::size_t outside = 0, invalid = 0, without_rank = 0;
  while (table.read()) {
    if (wish.bad == data::BadCell::keep_missing) tables::refuse_inexact(table, *model, table.columns, table.context);
    scores.resize(table.rows());
    model->log_prob(table.columns, table.context, scores, pool);
    if (per_column_) terms = model->log_prob_by_column(table.columns, table.context, table.rows(), pool);
    for (std::size_t row = 0; row < scores.size(); ++row) {
      if (wish.bad == data::BadCell::nan && !is_whole(table, row)) {
        scores[row] = std::nan("");
        for (std::vector<double>& column : terms) column[row] = std::nan("");
        ++invalid;
      } else if (std::isinf(scores[row]) && scores[row] < 0) {
        ++outside;
      }
    }
    if (p_value_) {
      p_values.front().resize(scores.size());
      for (std::size_t row = 0; row < scores.size(); ++row) {
        const bool whole = is_whole(table, row);
        p_values.front()[row] = whole ? conformal_p_value(calibration, scores[row]) : std::nan("");
        without_rank += whole || std::isnan(scores[row]) ? 0 : 1;
      }
    }
    out.write({&columns, &terms, &p_values}, table.rows(), table.lines());
    if (table.stalled()) out.flush();
    terminal::stop_if_signalled();
  }
  terminal::stop_if_signalled();  // the end of the input may be the same Ctrl-C
  out.close();
  const std::string& source = table.reader().name();
  tables::tell_skipped(table, "cell that is no number");
  if (invalid > 0)
    terminal::warning(source + ": " + core::counted(invalid, "row") + " with a cell that is no number scored as nan");
  if (without_rank > 0)
    terminal::warning(source + ": no p-value for " + core::counted(without_rank, "row") +
                      " with a missing cell: held-out rows are no measure for a part of a row");
  if (outside > 0)
    terminal::warning(source + ": " + std::to_string(outside) + " of " + core::counted(table.total(), "row") +
                      (outside == 1 ? " lies" : " lie") + " outside the support (logprob -inf)");
  return 0;
}

}  // namespace flowfit::commands
