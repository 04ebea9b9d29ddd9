// The two parts of the data, those rows that train and those that judge, by their places in a table.
#include "training/part.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"

namespace flowfit::training {
namespace {

/// The table's rows but those of weight 0.
Part weighted_rows(const flow::Settings& settings, const data::Dataset& table) {
  std::vector<std::uint32_t> rows(table.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  if (settings.weight.empty()) return {table, settings, std::move(rows), {}};
  const std::string& column = settings.weight;
  data::Columns read;
  table.read(data::locate(std::span(&column, 1), table.names, table.source), rows, read);
  const std::vector<double>& weights = read.front();
  std::vector<std::uint32_t> positive;
  std::vector<double> theirs;
  for (const std::uint32_t row : rows) {
    if (!(weights[row] >= 0))
      throw core::DataError(table.source + ": expected weights of at least 0, got " + column + " = " +
                            core::number(weights[row]) + " in row " + std::to_string(row + 1));
    if (weights[row] == 0) continue;
    positive.push_back(row);
    theirs.push_back(weights[row]);
  }
  if (positive.empty())
    throw core::DataError(table.source + ": expected a weight above 0, got none in column " + core::quoted(column));
  return {table, settings, std::move(positive), std::move(theirs)};
}

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Goes once through all rows: returns their fingerprint, and takes them into the extremes.
std::string survey(const Part& part, data::Columns& extremes) {
  data::Fingerprint mark;
  part.by_chunks([&](std::size_t first, data::Columns& x, data::Columns& context) {
    data::Columns all = std::move(x);
    std::ranges::move(context, std::back_inserter(all));
    for (std::size_t d = 0; d < all.size(); ++d) {
      if (extremes.size() == d) extremes.push_back({infinity, -infinity});
      std::vector<double>& of = extremes[d];
      for (const double value : all[d]) {
        if (std::isnan(value)) continue;
        of[0] = std::min(of[0], value);
        of[1] = std::max(of[1], value);
        if (of.size() == 2 && value != std::floor(value)) of.push_back(value);
      }
    }
    if (!part.weights().empty()) {
      const auto from = part.weights().begin() + static_cast<std::ptrdiff_t>(first);
      all.emplace_back(from, from + static_cast<std::ptrdiff_t>(all.front().size()));
    }
    mark.add(all);
  });
  return mark.text();
}

}  // namespace

Part::Part(const data::Dataset& table, const flow::Settings& settings, std::vector<std::uint32_t> rows,
           std::vector<double> weights)
    : table_(&table),
      columns_(data::locate(settings.columns, table.names, table.source)),
      context_(data::locate(settings.context, table.names, table.source)),
      rows_(std::move(rows)),
      weights_(std::move(weights)),
      gaps_(settings.missing == flow::Missing::marginalize) {}

std::size_t Part::chunk() const {
  constexpr std::size_t cells = 1 << 20, least = 96;
  return std::max(least, cells / std::max<std::size_t>(columns_.size() + context_.size(), 1));
}

void Part::read(std::span<const std::uint32_t> places, data::Columns& x, data::Columns& context) const {
  thread_local std::vector<std::uint32_t> rows;  // keeps its room from batch to batch
  rows.clear();
  for (const std::uint32_t place : places) rows.push_back(rows_[place]);
  table_->read(columns_, rows, x);
  table_->read(context_, rows, context);
}

void Part::read(std::size_t first, std::size_t count, data::Columns& x, data::Columns& context) const {
  const auto rows = std::span(rows_).subspan(first, count);
  table_->read(columns_, rows, x);
  table_->read(context_, rows, context);
}

data::Columns Part::x() const {
  data::Columns x;
  if (table_) table_->read(columns_, rows_, x);
  return x;
}

data::Columns Part::context() const {
  data::Columns context;
  if (table_) table_->read(context_, rows_, context);
  return context;
}

Part Part::at(const std::vector<std::uint32_t>& places) const {
  Part part = *this;
  part.rows_.clear();
  part.weights_.clear();
  for (const std::uint32_t place : places) {
    part.rows_.push_back(rows_[place]);
    if (!weights_.empty()) part.weights_.push_back(weights_[place]);
  }
  return part;
}

std::vector<std::uint32_t> Part::whole() const {
  std::vector<std::uint32_t> places(gaps_ ? 0 : count());
  std::iota(places.begin(), places.end(), 0u);
  if (!gaps_) return places;
  by_chunks([&](std::size_t first, const data::Columns& x, const data::Columns&) {
    for (std::size_t i = 0; i < x.front().size(); ++i)
      if (std::ranges::none_of(x, [i](const std::vector<double>& column) { return std::isnan(column[i]); }))
        places.push_back(static_cast<std::uint32_t>(first + i));
  });
  return places;
}

Part Part::sample(std::uint64_t seed) const {
  if (count() <= most_looked_at && !gaps_) return *this;
  const std::vector<std::uint32_t> places = whole();
  if (places.size() <= most_looked_at) return at(places);
  std::vector<std::uint32_t> chosen = core::permutation({seed, core::Purpose::look}, places.size());
  chosen.resize(most_looked_at);
  std::ranges::sort(chosen);
  for (std::uint32_t& place : chosen) place = places[place];
  return at(chosen);
}

Parts split(const flow::Settings& settings, const data::Dataset& table, const data::Dataset* validation) {
  const Part all = weighted_rows(settings, table);
  const std::size_t n = all.count();
  if (n < 2) throw core::DataError(table.source + ": expected at least 2 rows to train on, got " + std::to_string(n));
  Parts parts{all, {}, {}, {}};
  parts.fingerprint = survey(all, parts.extremes);
  if (validation) {
    parts.validation = weighted_rows(settings, *validation);
    if (parts.validation.count() == 0)
      throw core::DataError(validation->source + ": expected at least one row to validate on, got none");
    parts.fingerprint += "+" + survey(parts.validation, parts.extremes);
  } else if (settings.validation > 0) {
    const auto share = static_cast<std::size_t>(std::llround(settings.validation * static_cast<double>(n)));
    std::vector<std::uint32_t> order = core::permutation({settings.seed, core::Purpose::split}, n);
    const auto border = order.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(share, 1, n - 1));
    std::sort(order.begin(), border);
    std::sort(border, order.end());
    parts.validation = all.at({order.begin(), border});
    parts.train = all.at({border, order.end()});
  }
  return parts;
}

}  // namespace flowfit::training
