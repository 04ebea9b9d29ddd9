// What encode and decode share: a table in, a table of the same columns out.
#include "commands/mapping.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "flow/model.h"
#include "tables/table.h"
#include "terminal/log.h"
#include "terminal/signals.h"

namespace flowfit::commands {
namespace {

bool is_finite(const data::Columns& columns, std::size_t row) {
  return std::all_of(columns.begin(), columns.end(), [row](const std::vector<double>& c) { return std::isfinite(c[row]); });
}

}  // namespace

int map_table(Direction direction, const Mapping& call, const Context& context) {
  const std::string &input = call.input, &output = call.output;
  const std::unique_ptr<flow::Model> model = flow::load_model(call.model);
  if (const int members = model->traits().members; members > 1)
    throw core::ConfigError(call.model + ": an ensemble of " + std::to_string(members) +
                            " flows has no one base to map to; train one with \"ensemble\": 1 for that");
  refuse_overwriting(output, input);
  refuse_overwriting(output, flow::model_path(call.model));
  tables::Table table(input, model->schema(), {.delimiter = call.delimiter});
  const data::Schema& schema = model->schema();
  const std::vector<std::string> names = schema.names(), given = schema.context_names();
  if (call.log_det && (std::find(names.begin(), names.end(), "log_det") != names.end() ||
                       std::find(given.begin(), given.end(), "log_det") != given.end()))
    throw core::ConfigError("--log-det: the model has a column \"log_det\" of its own");

  if (output != "-") terminal::catch_signals();
  // A .npy has no names, and its columns are found by place: the model's, then the context.
  const bool by_place = data::format_of(output).kind == data::TableFormat::Kind::npy;
  std::vector<data::Heading> written = tables::headings(by_place ? schema.columns : schema.context);
  const std::vector<data::Heading> others = tables::headings(by_place ? schema.context : schema.columns);
  written.insert(written.end(), others.begin(), others.end());
  if (call.log_det) written.push_back({"log_det"});
  core::ThreadPool pool(context.threads);
  data::TableWriter out(output, std::move(written), pool);
  std::size_t lost = 0;
  data::Columns log_dets(1);
  const data::Columns none;
  while (table.read()) {
    log_dets[0].resize(table.rows());
    data::Columns mapped;
    if (direction == Direction::encode) {
      schema.to_middle(table.columns);
      mapped = model->encode(table.columns, table.context, log_dets[0], pool);
    } else {
      mapped = model->decode(table.columns, table.context, log_dets[0], pool);
      schema.as_sampled(mapped);
    }
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (is_finite(mapped, row) && std::isfinite(log_dets[0][row])) continue;
      ++lost;
      log_dets[0][row] = -std::numeric_limits<double>::infinity();
    }
    out.write({by_place ? &mapped : &table.context, by_place ? &table.context : &mapped, call.log_det ? &log_dets : &none},
              table.rows());
    if (table.stalled()) out.flush();
    terminal::stop_if_signalled();
  }
  terminal::stop_if_signalled();  // the end of the input may be the same Ctrl-C
  out.close();
  if (lost > 0)
    terminal::warning(
        table.reader().name() + ": " + std::to_string(lost) + " of " + core::counted(table.total(), "row") +
        (lost == 1 ? " has" : " have") + " no image" +
        (direction == Direction::encode ? "; outside the support of the model, or too far out to be computed" : ""));
  return 0;
}

}  // namespace flowfit::commands
