// flowfit init: kinds of columns by a few rules, a flow and a training by the table's size.
#include "commands/init.h"

#include <algorithm>
#include <optional>

#include "commands/json.h"
#include "core/error.h"
#include "core/text.h"
#include "data/profile.h"
#include "terminal/log.h"

namespace flowfit::commands {
namespace {

using config::Json;

// The rules' numbers; docs/commands.md states them.
constexpr std::size_t few_values = 10;
constexpr double pile = 0.01;
constexpr std::size_t least_pile = 5;

struct Advice {
  std::string kind, reason;
};

bool looks_like_a_date(const std::string& text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto separator = [](char c) { return c == '-' || c == '/' || c == '.' || c == ':'; };
  return std::ranges::count_if(text, digit) >= 4 && std::ranges::count_if(text, separator) >= 2 && digit(text.front());
}

std::string share(double part) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * part);
  return text;
}

Advice advise_text(const data::ColumnProfile& column) {
  if (looks_like_a_date(column.text)) return {"ignore", "dates or times such as " + core::quoted(column.text)};
  if (column.texts >= data::most_distinct) return {"ignore", "more than 1000 different texts"};
  if (2 * column.texts > column.present)
    return {"ignore", std::to_string(column.texts) + " different texts in " + core::counted(column.present, "row") + ": names"};
  return {"categorical", std::to_string(column.texts) + " different texts"};
}

Advice advise(const data::ColumnProfile& column) {
  if (column.present == 0) return {"ignore", "every cell is missing"};
  if (column.texts == 1 || (column.words == 0 && column.distinct == 1)) return {"ignore", "constant"};
  // A few numbers and some words: codes.
  if (!column.numbers() || (column.words > 0 && column.distinct <= few_values)) return advise_text(column);
  if (column.counts_up) return {"ignore", "counts the rows"};
  if (column.distinct <= few_values && 2 * column.distinct <= column.present)
    return {"categorical", std::to_string(column.distinct) + " different numbers"};
  const std::string range = core::number(column.low) + " to " + core::number(column.high);
  if (column.whole) return {"integer", "whole numbers, " + range};
  const auto piled = [&](std::size_t count, double limit, const char* which) -> std::optional<Advice> {
    const double part = static_cast<double>(count) / static_cast<double>(column.present);
    if (count < least_pile || part < pile) return {};
    return Advice{"bounded", share(part) + " are " + core::number(limit) + ", the " + which};
  };
  if (const auto low = piled(column.low_count, column.low, "least")) return *low;
  if (const auto high = piled(column.high_count, column.high, "most")) return *high;
  if (column.low == 0) return {"bounded", "never below 0, " + range};
  if (column.low > 0) return {"positive", range};
  return {"continuous", range};
}

// Limits of a pile of values are those that draws keep, far inside those of the map: a row somewhat beyond them has a density too.
Json entry(const std::string& name, const std::string& kind) {
  if (kind == "continuous") return name;
  if (kind == "bounded") return {{"name", name}, {"kind", kind}, {"margin", 1}, {"preprocess", "quantile"}};
  if (kind == "positive") return {{"name", name}, {"kind", kind}, {"preprocess", "quantile"}};
  return {{"name", name}, {"kind", kind}};
}

// A network as wide, a batch as large and as many steps as the rows bear.
Json flow_for(std::size_t rows) {
  const int width = rows < 2000 ? 32 : rows < 10000 ? 64 : 128;
  return Json::array({{{"type", "nsf"}, {"transforms", rows < 2000 ? 3 : 5}, {"hidden", {width, width}}, {"bins", 8}}});
}

Json train_for(std::size_t rows) {
  const std::size_t batch = rows < 5000 ? 128 : 512;
  const std::size_t steps = std::clamp<std::size_t>(100 * rows / batch, 1000, 4000);
  return {{"steps", steps},
          {"batch_size", batch},
          {"optimizer", {{"type", "adamw"}, {"learning_rate", 0.002}, {"weight_decay", 0.0001}}},
          {"schedule", {{"type", "cosine"}}},
          {"gradient_clip", 5},
          {"patience", 15}};
}

}  // namespace

std::string advised_config(const std::string& path, char delimiter) {
  const data::TableProfile table = data::profile(path, {.delimiter = delimiter, .names = {}});
  Json columns = Json::array(), notes = Json::object();
  bool missing = false, flows = false;
  std::size_t modelled = 0;
  std::string told;
  std::vector<std::string> slips;
  for (const data::ColumnProfile& column : table.columns) {
    Advice advice = advise(column);
    if (column.missing > 0) advice.reason += "; " + core::counted(column.missing, "cell") + " missing";
    columns.push_back(entry(column.name, advice.kind));
    notes[column.name] = advice.kind + ": " + advice.reason;
    told += (told.empty() ? "" : "\n") + column.name + ": " + advice.kind + " (" + advice.reason + ")";
    if (column.numbers() && column.words > 0 && advice.kind != "categorical" && advice.kind != "ignore")
      slips.push_back(table.source + ": row " + std::to_string(column.word_row) + ": column " + core::quoted(column.name) +
                      " holds " + core::quoted(column.text) +
                      (column.words > 1 ? ", the first of " + core::counted(column.words, "cell") + " that are no numbers"
                                        : ", its only cell that is no number") +
                      "; it is taken for a slip, and training will refuse it: correct it, or empty the cell");
    if (advice.kind == "ignore") continue;
    ++modelled;
    flows = flows || advice.kind != "categorical";
    missing = missing || column.missing > 0;
  }
  if (missing) told += "\nrows with a missing cell are left out (\"missing\": \"drop\")";
  terminal::notice(told);
  for (const std::string& slip : slips) terminal::warning(slip);
  if (table.rows < 2) throw core::DataError(table.source + ": expected at least 2 rows to train on, got 1");
  if (modelled == 0)
    throw core::DataError(table.source + ": expected a column to model, got none; all are constant, dates or names");
  Json config = {{"data", {{"columns", columns}, {"note", notes}, {"validation", 0.1}}}};
  if (missing) config["data"]["missing"] = "drop";
  if (flows) config["flow"] = flow_for(table.rows);
  config["train"] = train_for(table.rows);
  return config::print_json(config, 2);
}

std::string_view Init::help() const {
  return R"(usage: flowfit init DATA [--delimiter C]

Prints a config (JSON) for the table DATA ("-" is standard input): the kind of each column, a validation split, a flow and a
training sized by the number of rows. What was decided of each column, and why, is told on standard error, and under "note" in
the config. Change what you know better, and give it to train. `flowfit train DATA` does both in one.

Options
      --delimiter C   what separates the fields of DATA: tab, semicolon, … (default: comma; tab for .tsv)

Examples
  flowfit init data/circles.csv > circles.json
)";
}

void Init::options(Options& options) {
  options.positional("DATA", data_);
  options.value("--delimiter", delimiter_);
}

int Init::run(const Context&) {
  const std::string& data = needed(data_, name(), "DATA");
  print(advised_config(data, delimiter_option(delimiter_)) + "\n");
  return 0;
}

}  // namespace flowfit::commands
