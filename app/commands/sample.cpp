// flowfit sample: draws rows from a model.
#include "commands/sample.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "flow/model.h"
#include "tables/table.h"
#include "terminal/signals.h"

namespace flowfit::commands {
namespace {

constexpr std::int64_t most_draws = std::int64_t{1} << 32;  // of one context row, and rows of context

/// Writes draws in chunks, of one context row after the other. Draw k of context row r (from 0) has the place r·2³² + k in the stream of the seed: a draw
/// depends on seed, row and k alone, not on how many are asked for. A chunk holds draws of many context rows.
class Sampler {
 public:
  Sampler(const flow::Model& model, std::uint64_t seed, data::TableWriter& out, core::ThreadPool& pool)
      : model_(model),
        seed_(seed),
        out_(out),
        pool_(pool),
        chunk_(tables::chunk_rows(model.schema().columns.size())),
        given_(model.schema().context.size()) {}

  /// Draws 0 … n − 1 for one value a context column; `row` from 0, or nothing for a model without context.
  void draw(std::uint64_t n, const std::vector<double>& context, std::optional<std::uint64_t> row) {
    const std::uint64_t start = row.value_or(0) * static_cast<std::uint64_t>(most_draws);
    for (std::uint64_t k = 0; k < n; ++k) {
      places_.push_back(start + k);
      for (std::size_t c = 0; c < context.size(); ++c) given_[c].push_back(context[c]);
      if (places_.size() == chunk_) write(row.has_value());
    }
  }
  /// What has not been written yet.
  void write(bool with_row) {
    if (places_.empty()) return;
    const data::Columns drawn = model_.sample(seed_, places_, given_, pool_);
    data::Columns number(with_row ? 1 : 0);
    for (std::size_t i = 0; with_row && i < places_.size(); ++i) {
      const std::uint64_t row = 1 + places_[i] / static_cast<std::uint64_t>(most_draws);
      number.front().push_back(static_cast<double>(row));
    }
    out_.write({&number, &drawn}, places_.size());
    places_.clear();
    for (std::vector<double>& column : given_) column.clear();
    terminal::stop_if_signalled();
  }

 private:
  const flow::Model& model_;
  std::uint64_t seed_;
  data::TableWriter& out_;
  core::ThreadPool& pool_;
  std::size_t chunk_;
  std::vector<std::uint64_t> places_;
  data::Columns given_;
};

/// `--given NAME=VALUE …` as one value a context column.
std::vector<double> values_given(const std::vector<std::string>& given, const data::Schema& schema) {
  const std::vector<std::string> names = schema.context_names();
  std::vector<std::optional<double>> values(names.size());
  for (const std::string& one : given) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos)
      throw core::ConfigError(core::message("--given", "expected NAME=VALUE beside another --given", core::quoted(one)));
    const std::string name = one.substr(0, equals), text = one.substr(equals + 1);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw core::ConfigError("--given: no context column " + core::quoted(name) + "; " + core::suggestion(name, names));
    std::optional<double>& value = values[static_cast<std::size_t>(found - names.begin())];
    if (value) throw core::ConfigError("--given: column " + core::quoted(name) + " is given twice");
    const data::Column& column = schema.context[static_cast<std::size_t>(found - names.begin())];
    if (column.kind == data::Kind::categorical) {
      const auto code = std::find(column.categories.begin(), column.categories.end(), text);
      if (code == column.categories.end())
        throw core::ConfigError(core::message("--given " + name, "expected a category that the model knows", core::quoted(text),
                                              core::suggestion(text, column.categories)));
      value = static_cast<double>(code - column.categories.begin());
      continue;
    }
    value = core::parse_number(text);
    if (!value) throw core::ConfigError(core::message("--given " + name, "expected a number", core::quoted(text)));
  }
  std::vector<double> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!values[i])
      throw core::ConfigError("--given: no value for the context column " + core::quoted(names[i]) + "; add --given " + names[i] +
                              "=VALUE");
    all.push_back(*values[i]);
  }
  return all;
}

// One argument that is a file, or that cannot be NAME=VALUE, is a table.
bool is_file(const std::vector<std::string>& given) {
  std::error_code none;
  return given.size() == 1 && (given.front().find('=') == std::string::npos || std::filesystem::exists(given.front(), none));
}

}  // namespace

std::string_view Sample::help() const {
  return R"(usage: flowfit sample MODEL -n N [--seed S] [--given FILE | --given NAME=VALUE ...] [-o FILE]

Draws N rows and writes them, with the names and in the units of the data. Streams in constant memory. The same seed
gives the same rows on any number of threads, and -n 10 is the beginning of -n 100.

Options
  -n, --count N       rows to draw; with --given, rows to draw for each row of context
  -s, --seed S        another stream of draws (default: 0)
      --given FILE    what a conditional model is given: a table with its context columns ("-" is standard input). The output then
                      has a column `row` in front, the number of the context row, from 1
      --given X=1.5   the same for a single row of context; one --given for each context column
      --delimiter C   what separates the fields of that table: tab, semicolon, … (default: comma; tab for .tsv)
  -o, --output FILE   where to write (default: standard output); its ending says how: .csv, .tsv, .jsonl, .npy

Examples
  flowfit sample runs/circles -n 1000 > samples.csv
  flowfit sample runs/penguins -n 100 --given body_mass_g=4200
  flowfit sample runs/penguins -n 10 --given birds.csv -o draws.csv
)";
}

void Sample::options(Options& options) {
  options.positional("MODEL", model_);
  options.value("-n,--count", count_);
  options.value("-s,--seed", seed_);
  options.values("--given", given_);
  options.value("--delimiter", delimiter_);
  options.value("-o,--output", output_);
}

int Sample::run(const Context& context) {
  const std::string& model_name = needed(model_, name(), "MODEL");
  if (!count_) throw core::ConfigError("sample: expected -n N, the number of rows to draw, got nothing; for example -n 1000");
  const std::int64_t count = whole_number("--count", *count_, 0, given_.empty() ? std::int64_t{1} << 62 : most_draws);
  const std::uint64_t seed = seed_ ? seed_number("--seed", *seed_) : 0;
  const std::unique_ptr<flow::Model> model = flow::load_model(model_name);
  const std::vector<std::string> names = model->schema().context_names();
  const std::string output = output_.value_or("-");
  if (names.empty() && !given_.empty()) throw core::ConfigError("--given: this model has no context columns; draw without it");
  if (!names.empty() && given_.empty())
    throw core::ConfigError("sample: this model is conditional on " + core::joined(names) +
                            "; say what is given: --given FILE, or --given " + names.front() + "=VALUE");
  refuse_overwriting(output, flow::model_path(model_name));
  const bool from_file = is_file(given_);
  if (from_file) refuse_overwriting(output, given_.front());
  const std::vector<double> values = from_file ? std::vector<double>() : values_given(given_, model->schema());
  std::optional<tables::Table> table;
  if (from_file)
    table.emplace(given_.front(), model->schema(),
                  tables::TableWish{.modelled = false, .delimiter = delimiter_option(delimiter_)});

  if (output != "-") terminal::catch_signals();
  std::vector<data::Heading> columns = tables::headings(model->schema().columns);
  if (!given_.empty()) {
    const bool taken = std::ranges::find(columns, "row", &data::Heading::name) != columns.end();
    columns.insert(columns.begin(), {.name = taken ? "context_row" : "row", .whole = true});
  }
  core::ThreadPool pool(context.threads);
  data::TableWriter out(output, std::move(columns), pool);
  Sampler sampler(*model, seed, out, pool);
  const auto n = static_cast<std::uint64_t>(count);
  if (!table) {
    sampler.draw(n, values, given_.empty() ? std::nullopt : std::optional<std::uint64_t>(0));
    sampler.write(!given_.empty());
  } else {
    std::uint64_t row = 0;
    std::vector<double> given(names.size());
    while (table->read()) {
      for (std::size_t i = 0; i < table->rows(); ++i, ++row) {
        if (row == static_cast<std::uint64_t>(most_draws))
          throw core::DataError(table->reader().name() + ": more than 2^32 rows of context");
        for (std::size_t c = 0; c < given.size(); ++c) given[c] = table->context[c][i];
        sampler.draw(n, given, row);
      }
      if (table->stalled()) {
        sampler.write(true);
        out.flush();
      }
    }
    sampler.write(true);
    if (row == 0) throw core::DataError(table->reader().name() + ": expected rows of context, got a header only");
  }
  terminal::stop_if_signalled();  // the end of the context may be the same Ctrl-C
  out.close();
  return 0;
}

}  // namespace flowfit::commands
