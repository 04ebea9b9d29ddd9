// Reading the plan, splitting the rows, and looking at them.
#include "training/prepare.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "flow/expand.h"
#include "training/collinear.h"

namespace flowfit::training {
namespace {

data::Columns rows_of(const data::Columns& columns, const std::vector<std::uint32_t>& rows) {
  data::Columns part;
  for (const std::vector<double>& column : columns) {
    std::vector<double>& to = part.emplace_back();
    to.reserve(rows.size());
    for (const std::uint32_t row : rows) to.push_back(column[row]);
  }
  return part;
}

std::string percent(double share) { return core::number(std::round(share * 1000) / 10) + " %"; }

/// The share of rows whose value stands in another row too, and the commonest value; `values` are sorted.
std::pair<double, double> ties(const std::vector<double>& values) {
  std::size_t tied = 0, longest = 0;
  double commonest = 0;
  for (std::size_t i = 0, j = 0; i < values.size(); i = j) {
    while (j < values.size() && values[j] == values[i]) ++j;
    if (j - i > 1) tied += j - i;
    if (j - i > longest) {
      longest = j - i;
      commonest = values[i];
    }
  }
  return {static_cast<double>(tied) / static_cast<double>(values.size()), commonest};
}

}  // namespace

Plan read_plan(const std::string& config, const std::string& name, std::optional<std::span<const std::string>> header) {
  const config::Json json = config::parse_json(config, name);
  if (!json.is_object()) throw core::ConfigError(name + ": expected an object, such as {\"flow\": [ … ]}");
  Plan plan{flow::expand(json), {}, {}};
  const config::Node root = plan.document.root();
  plan.flow = flow::Settings::read(root, header);
  plan.training = Settings::read(root.member("train"));
  return plan;
}

template <class T>
std::unique_ptr<flow::TypedModel<T>> fresh_model(const Plan& plan) {
  auto model = std::make_unique<flow::TypedModel<T>>(plan.document, plan.flow, data::Schema{});
  plan.document.root().finish();
  plan.document.check();
  model->set_config(plan.resolved());
  return model;
}

Parts split(const Plan& plan, const data::Dataset& table, const data::Dataset* validation) {
  Parts parts;
  data::Columns x = table.pick(plan.flow.columns), context = table.pick(plan.flow.context);
  const std::size_t n = table.rows();
  if (n < 2) throw core::DataError(table.source + ": expected at least 2 rows to train on, got " + std::to_string(n));
  data::Columns everything = x;
  everything.insert(everything.end(), context.begin(), context.end());
  parts.fingerprint = data::fingerprint(everything);
  if (validation) {
    parts.validation = validation->pick(plan.flow.columns);
    parts.validation_context = validation->pick(plan.flow.context);
    parts.validation_rows = validation->rows();
    if (parts.validation_rows == 0)
      throw core::DataError(validation->source + ": expected at least one row to validate on, got none");
    everything = parts.validation;
    everything.insert(everything.end(), parts.validation_context.begin(), parts.validation_context.end());
    parts.fingerprint += "+" + data::fingerprint(everything);
  } else if (plan.flow.validation > 0) {
    const auto held = static_cast<std::size_t>(std::llround(plan.flow.validation * static_cast<double>(n)));
    parts.validation_rows = std::clamp<std::size_t>(held, 1, n - 1);
    std::vector<std::uint32_t> order = core::permutation({plan.flow.seed, core::Purpose::split}, n);
    const auto border = order.begin() + static_cast<std::ptrdiff_t>(parts.validation_rows);
    std::sort(order.begin(), border);
    std::sort(border, order.end());
    const std::vector<std::uint32_t> second(order.begin(), border), first(border, order.end());
    parts.validation = rows_of(x, second);
    parts.validation_context = rows_of(context, second);
    x = rows_of(x, first);
    context = rows_of(context, first);
  }
  parts.train = std::move(x);
  parts.train_context = std::move(context);
  parts.train_rows = parts.train.front().size();
  return parts;
}

template <class T>
Rows<T> encoded(const data::Schema& schema, data::Columns columns, data::Columns context, std::size_t count) {
  Rows<T> rows;
  rows.count = count;
  if (count == 0) return rows;
  schema.encode(columns);
  schema.encode_context(context);
  for (const std::vector<double>& column : columns) rows.x.insert(rows.x.end(), column.begin(), column.end());
  for (const std::vector<double>& column : context) rows.context.insert(rows.context.end(), column.begin(), column.end());
  return rows;
}

std::vector<std::string> remarks(const data::Columns& columns, const std::vector<std::string>& names) {
  constexpr double most_ties = 0.05, far = 100;
  std::vector<std::string> found;
  const double n = columns.empty() ? 0 : static_cast<double>(columns.front().size());
  if (n < 2) return found;
  for (std::size_t d = 0; d < columns.size(); ++d) {
    const std::vector<double>& column = columns[d];
    const std::string name = "column " + core::quoted(names[d]);
    std::vector<double> sorted = column;
    std::ranges::sort(sorted);
    const auto [tied, commonest] = ties(sorted);
    if (tied > most_ties)
      found.push_back(name + ": " + percent(tied) + " of its values occur more than once (most often " + core::number(commonest) +
                      "); a density grows spikes there: add \"train.jitter\", or leave the column out");
    // Against the middle half of the values: a mean and a deviation would be pulled along.
    const double low = sorted[sorted.size() / 4], middle = sorted[sorted.size() / 2], high = sorted[sorted.size() * 3 / 4];
    const double worst = std::abs(sorted.front() - middle) > std::abs(sorted.back() - middle) ? sorted.front() : sorted.back();
    if (high > low && std::abs(worst - middle) > far * (high - low))
      found.push_back(name + ": its value " + core::number(worst) + " lies more than " + core::number(far) +
                      " interquartile ranges from the median " + core::number(middle) +
                      "; it crushes the scale: is it an error?");
    for (std::size_t other = 0; other < d; ++other) {
      if (columns[other] == column)  // collinear as well, but in words that need no arithmetic
        found.push_back(name + " equals column " + core::quoted(names[other]) +
                        " in every row; the density is unbounded: leave one out");
    }
  }
  const std::vector<std::string> more = collinear(columns, names);
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

#define FLOWFIT_INSTANTIATE(T)                                               \
  template std::unique_ptr<flow::TypedModel<T>> fresh_model<T>(const Plan&); \
  template Rows<T> encoded<T>(const data::Schema&, data::Columns, data::Columns, std::size_t);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::training
