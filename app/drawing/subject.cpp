// Reads a table as a stream, keeps some of its rows, and draws as many from the model.
#include "drawing/subject.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "diagnostics/subsample.h"
#include "tables/table.h"
#include "terminal/signals.h"

namespace flowfit::drawing {
namespace {

std::vector<double> scores_of(const flow::Model& model, const data::Columns& columns, const data::Columns& context,
                              core::ThreadPool& pool) {
  std::vector<double> scores(columns.front().size());
  model.log_prob(columns, context, scores, pool);
  return scores;
}

void add_baseline(const flow::Model& model, const flow::Baseline& baseline, const tables::Table& table, core::Moments& to,
                  core::ThreadPool& pool) {
  if (baseline.empty()) return;
  std::vector<double> scores(table.rows());
  model.log_prob(baseline, table.columns, table.context, scores, pool);
  for (const double score : scores) to.add(score);
}

}  // namespace

std::vector<double> Subject::score_rows() const { return scores_of(model, rows, rows_context, pool); }

std::vector<double> Subject::score_draws() const {
  std::vector<double> all = scores_of(model, draws, draws_context, pool);
  for (double& score : all)
    if (std::isnan(score)) score = -std::numeric_limits<double>::infinity();  // a draw that overflowed
  return all;
}

bool has_curve(const flow::Model& model) {
  const data::Schema& schema = model.schema();
  return schema.columns.size() <= 2 && schema.context.empty() && !schema.has(data::Kind::integer) &&
         !schema.has(data::Kind::categorical);
}

Axis axis_of(const Subject& subject, std::size_t column) {
  const std::vector<std::string>& names = subject.model.schema().columns[column].categories;
  if (!names.empty()) return {{-0.5, static_cast<double>(names.size()) - 0.5}, names};
  const diagnostics::Range draws = diagnostics::central_range(subject.draws[column]);
  return {subject.has_rows() ? diagnostics::hull(draws, diagnostics::central_range(subject.rows[column])) : draws};
}

std::string Subject::rows_text(std::size_t drawn) const {
  return (drawn < total ? std::to_string(drawn) + " of " : "") + core::counted(total, "row") + " of " + source;
}

std::string Subject::draws_text() const {
  return std::to_string(draw_count) + " draws of the model" + (conditional() ? " at the contexts of these rows" : "");
}

Subject gather(const flow::Model& model, const Source& from, bool score_all, core::ThreadPool& pool) {
  Subject subject{.model = model, .pool = pool};
  if (!from.file.empty()) {
    tables::Table table(from.file, model.schema(), {.bad = tables::whole_rows(model), .delimiter = from.delimiter});
    subject.source = table.reader().name();
    diagnostics::Subsample places(most_rows);
    while (table.read()) {
      if (score_all) {
        for (const double score : scores_of(model, table.columns, table.context, pool)) {
          if (std::isinf(score) && score < 0) ++subject.outside;
          subject.scores.add(score);
        }
        add_baseline(model, model.reference().gaussian, table, subject.gaussian, pool);
        add_baseline(model, model.reference().mixture, table, subject.mixture, pool);
      }
      for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::size_t place = places.next();
        if (place == diagnostics::Subsample::none) continue;
        diagnostics::put_row(subject.rows, place, table.columns, row);
        diagnostics::put_row(subject.rows_context, place, table.context, row);
      }
      terminal::stop_if_signalled();
    }
    subject.total = table.total();
    if (subject.total == 0)
      throw core::DataError(subject.source + (table.reader().skipped() > 0 ? ": expected rows without missing cells, got none"
                                                                           : ": expected rows of numbers, got a header only"));
    tables::tell_skipped(table, "missing cell");
  } else if (subject.conditional()) {
    throw core::ConfigError("plot: expected DATA with the context columns, since the model is conditional, got nothing");
  }
  for (const std::vector<double>& column : subject.rows_context) {
    subject.draws_context.emplace_back(draw_count);
    for (std::size_t i = 0; i < draw_count; ++i) subject.draws_context.back()[i] = column[i % column.size()];
  }
  subject.draws = model.sample(0, 0, draw_count, subject.draws_context, pool);
  terminal::stop_if_signalled();
  return subject;
}

}  // namespace flowfit::drawing
