// flowfit compare: the paired difference of two models' scores, and a verdict for pipelines.
#include "commands/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "commands/json.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/statistics.h"
#include "core/text.h"
#include "flow/model.h"
#include "tables/table.h"

namespace flowfit::commands {
namespace {

constexpr double level = 0.95;

/// Columns of a model, found among those of a table.
class Chosen {
 public:
  Chosen(const std::vector<std::string>& wanted, const std::vector<std::string>& there) {
    for (const std::string& name : wanted)
      places_.push_back(static_cast<std::size_t>(std::ranges::find(there, name) - there.begin()));
  }
  data::Columns of(const data::Columns& all) const {
    data::Columns some;
    for (const std::size_t place : places_) some.push_back(all[place]);
    return some;
  }

 private:
  std::vector<std::size_t> places_;
};

/// What both models read: the columns of `a`, which `b` must model too, and the context of either.
data::Schema common_schema(const flow::Model& a, const flow::Model& b) {
  const std::vector<std::string> first = a.schema().names(), second = b.schema().names();
  if (std::set(first.begin(), first.end()) != std::set(second.begin(), second.end()))
    throw core::ConfigError("compare: expected two models of the same columns, got " + core::joined(first) + " and " +
                            core::joined(second) + "; densities of different columns have different units");
  const auto refuse_other_categories = [](const data::Column& one, const std::vector<data::Column>& others) {
    const auto other = std::ranges::find(others, one.name, &data::Column::name);
    if (other != others.end() && other->categories != one.categories)
      throw core::ConfigError("compare: column " + core::quoted(one.name) +
                              " has other categories in A than in B; their probabilities are of different things");
  };
  for (const data::Column& column : a.schema().columns) refuse_other_categories(column, b.schema().columns);
  for (const data::Column& column : a.schema().context) refuse_other_categories(column, b.schema().context);
  data::Schema schema = a.schema();
  const std::vector<std::string> given = a.schema().context_names();
  for (const data::Column& column : b.schema().context) {
    if (std::ranges::find(first, column.name) != first.end())
      throw core::ConfigError("compare: column " + core::quoted(column.name) +
                              " is modelled by one of the models and given to the other");
    if (std::ranges::find(given, column.name) == given.end()) schema.context.push_back(column);
  }
  for (const std::string& name : given) {
    if (std::ranges::find(second, name) != second.end())
      throw core::ConfigError("compare: column " + core::quoted(name) +
                              " is modelled by one of the models and given to the other");
  }
  return schema;
}

struct Found {
  core::Moments a, b, difference;
  std::size_t outside_a = 0, outside_b = 0;
  core::Interval interval;
  double tolerance = 0;

  bool comparable() const { return outside_a + outside_b == 0; }
  /// With 95 % confidence B scores less than A − tolerance; or rows have no density under B that have one under A.
  bool worse() const { return comparable() ? interval.high < -tolerance : outside_b > outside_a; }
  std::string verdict() const {
    if (worse()) return "worse";
    return (comparable() ? interval.low > 0 : outside_a > outside_b) ? "better" : "no worse";
  }
};

config::Json as_json(const Found& found) {
  const auto if_comparable = [&](double value) { return found.comparable() ? number_or_null(value) : config::Json(); };
  return {{"rows", found.difference.count},
          {"mean_logprob_a", found.outside_a > 0 ? config::Json() : number_or_null(found.a.mean)},
          {"mean_logprob_b", found.outside_b > 0 ? config::Json() : number_or_null(found.b.mean)},
          {"difference", if_comparable(found.difference.mean)},
          {"standard_error", if_comparable(found.difference.standard_error())},
          {"interval", {if_comparable(found.interval.low), if_comparable(found.interval.high)}},
          {"level", level},
          {"outside_support_a", found.outside_a},
          {"outside_support_b", found.outside_b},
          {"tolerance", found.tolerance},
          {"verdict", found.verdict()}};
}

std::string as_table(const Found& found, const std::string& a, const std::string& b) {
  const auto line = [](const std::string& label, double value, const std::string& what) {
    char text[64];
    std::snprintf(text, sizeof text, "%-12s %+10.4f  ", label.c_str(), value);
    std::string whole = text + what;
    whole.erase(whole.find_last_not_of(' ') + 1);
    return whole + "\n";
  };
  std::string text = core::counted(found.difference.count, "row") + ", nats a row\n";
  if (found.outside_a == 0) text += line("A", found.a.mean, a);
  if (found.outside_b == 0) text += line("B", found.b.mean, b);
  if (found.comparable()) {
    text += line("B - A", found.difference.mean,
                 "standard error " + core::number(std::round(1e4 * found.difference.standard_error()) / 1e4));
    text += line("from", found.interval.low, "95 % interval of B - A, by bootstrap");
    text += line("to", found.interval.high, "");
  }
  for (const auto& [name, count] : {std::pair("A", found.outside_a), std::pair("B", found.outside_b)})
    if (count > 0) text += std::string(name) + " gives " + core::counted(count, "row") + " a density of zero\n";
  return text + "B is " + found.verdict() + (found.tolerance > 0 ? " by the tolerance of " + core::number(found.tolerance) : "") +
         "\n";
}

}  // namespace

std::string_view Compare::help() const {
  return R"(usage: flowfit compare A B FILE [--tolerance T] [--delimiter C] [--json]

Scores the rows of FILE (CSV; "-" is standard input) with the models A and B, and prints the mean difference of their
log-densities, B - A in nats a row, with its standard error and a 95 % interval by bootstrap over the rows. Rows should be held
out from both trainings. The models must model the same columns, in any order; what they are given may differ.

Exit 7 when B is worse by more than T: when the whole interval lies below -T, or when more rows have a density of zero under B
than under A. Chance alone does so in about one of 40 comparisons of equals.

Options
      --tolerance T   nats a row (default: 0)
      --delimiter C   what separates the fields of FILE: tab, semicolon, … (default: comma; tab for .tsv)
      --json          one JSON object instead of a table

Examples
  flowfit compare runs/today runs/candidate held_out.csv --tolerance 0.01
  flowfit compare runs/gaussian runs/circles held_out.csv --json
)";
}

void Compare::options(Options& options) {
  options.positional("A", a_);
  options.positional("B", b_);
  options.positional("FILE", file_);
  options.value("--tolerance", tolerance_);
  options.value("--delimiter", delimiter_);
  options.flag("--json", json_);
}

int Compare::run(const Context& context) {
  const std::string& a_name = needed(a_, name(), "A, B and FILE");
  const std::string& b_name = needed(b_, name(), "B and FILE after A");
  const std::string& file = needed(file_, name(), "FILE after A and B");
  Found found;
  if (tolerance_ && *tolerance_ != "0") found.tolerance = positive_number("--tolerance", *tolerance_);
  const std::unique_ptr<flow::Model> a = flow::load_model(a_name), b = flow::load_model(b_name);
  const data::Schema schema = common_schema(*a, *b);
  refuse_overwriting("-", file);
  const bool with_gaps = a->takes_missing() && b->takes_missing();
  tables::Table table(
      file, schema,
      {.bad = with_gaps ? data::BadCell::keep_missing : data::BadCell::error, .delimiter = delimiter_option(delimiter_)});
  const Chosen a_given(a->schema().context_names(), schema.context_names()),
      b_given(b->schema().context_names(), schema.context_names()), b_columns(b->schema().names(), schema.names());
  core::ThreadPool pool(context.threads);
  std::vector<double> first, second, differences;
  while (table.read()) {
    first.resize(table.rows());
    second.resize(table.rows());
    const data::Columns given_a = a_given.of(table.context), x_b = b_columns.of(table.columns),
                        given_b = b_given.of(table.context);
    if (with_gaps) {
      tables::refuse_inexact(table, *a, table.columns, given_a);
      tables::refuse_inexact(table, *b, x_b, given_b);
    }
    a->log_prob(table.columns, given_a, first, pool);
    b->log_prob(x_b, given_b, second, pool);
    for (std::size_t i = 0; i < first.size(); ++i) {
      found.outside_a += std::isinf(first[i]) ? 1 : 0;
      found.outside_b += std::isinf(second[i]) ? 1 : 0;
      found.a.add(first[i]);
      found.b.add(second[i]);
      differences.push_back(second[i] - first[i]);
      found.difference.add(differences.back());
    }
  }
  if (differences.empty()) throw core::DataError(table.reader().name() + ": expected rows of numbers, got a header only");
  if (found.comparable()) found.interval = core::bootstrap_mean(differences, level, 0, pool);
  print(json_ ? config::print_json(as_json(found)) + "\n" : as_table(found, a_name, b_name));
  return static_cast<int>(found.worse() ? core::Exit::check : core::Exit::ok);
}

}  // namespace flowfit::commands
