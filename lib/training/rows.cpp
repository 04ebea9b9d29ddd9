// One part of the data as a trainer takes it: rows in the flow's units, kept in memory or made anew from their file each time.
#include "training/rows.h"

#include <algorithm>
#include <numeric>

#include "core/random.h"

namespace flowfit::training {
namespace {

/// Casts columns of some rows into a block, whose rows after them are like the first one.
template <class T>
void put(const data::Columns& columns, std::size_t rows, Index padded, T* to) {
  for (const std::vector<double>& column : columns) {
    std::transform(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(rows), to,
                   [](double value) { return static_cast<T>(value); });
    std::fill(to + rows, to + padded, to[0]);
    to += padded;
  }
}

/// What is said of the rows of a part, and what they are made with; without their numbers yet.
template <class T>
Rows<T> described(const data::Schema& schema, const Part& part, std::uint64_t seed) {
  Rows<T> rows;
  rows.count = part.count();
  rows.features = schema.columns.size();
  rows.contexts = schema.context.size();
  rows.schema = &schema;
  rows.seed = seed;
  for (std::size_t d = 0; d < rows.features; ++d)
    if (schema.columns[d].kind == data::Kind::integer) rows.integers.push_back(d);
  rows.weights = part.weights();
  const double mean = std::accumulate(rows.weights.begin(), rows.weights.end(), 0.0) / static_cast<double>(rows.count);
  for (double& weight : rows.weights) weight /= mean;
  return rows;
}

/// Takes all rows once into the flow's units, for their log-determinants and, where they are to stay in memory, themselves.
template <class T>
void fill(Rows<T>& rows, const Part& part, bool keep) {
  if (keep) {
    rows.x.resize(rows.count * rows.features);
    rows.context.resize(rows.count * rows.contexts);
    rows.whole.resize(rows.count * rows.integers.size());
  }
  const auto place = [&](auto& of, std::size_t d, const std::vector<double>& values, std::size_t first) {
    using To = typename std::decay_t<decltype(of)>::value_type;
    if (keep)
      std::ranges::transform(values, of.begin() + static_cast<std::ptrdiff_t>(d * rows.count + first),
                             [](double value) { return static_cast<To>(value); });
  };
  double sum = 0, one = 0;
  bool same = true;
  std::vector<double> log_det;
  part.by_chunks([&](std::size_t first, data::Columns& x, data::Columns& context) {
    for (std::size_t k = 0; k < rows.integers.size(); ++k) place(rows.whole, k, x[rows.integers[k]], first);
    log_det.assign(x.front().size(), 0.0);
    to_flow_units(*rows.schema, x, context, log_det, rows.seed, first);
    for (std::size_t d = 0; d < x.size(); ++d) place(rows.x, d, x[d], first);
    for (std::size_t d = 0; d < context.size(); ++d) place(rows.context, d, context[d], first);
    if (first == 0) one = log_det.front();
    for (std::size_t i = 0; i < log_det.size(); ++i) {
      same = same && log_det[i] == one;
      sum += rows.weight(first + i) * log_det[i];
    }
  });
  // The mean of equal numbers is that number, bit for bit.
  rows.log_det = same ? one : sum / static_cast<double>(rows.count);
}

}  // namespace

void to_flow_units(const data::Schema& schema, data::Columns& columns, data::Columns& context, std::span<double> log_det,
                   std::uint64_t seed, std::uint64_t first) {
  constexpr std::uint32_t no_step = 0xFFFFFFFFu;
  schema.dequantize(columns, {seed, core::Purpose::dequantize, no_step}, first);
  schema.encode(columns, log_det);
  schema.encode_context(context);
}

template <class T>
void Rows<T>::load(std::span<const std::uint32_t> places, Index padded, T* to_x, T* to_context, double* to_whole,
                   Buffer& buffer) const {
  const auto gather = [&](const auto& from, std::size_t columns, auto* to) {
    for (std::size_t j = 0; j < columns; ++j, to += padded) {
      const auto* const column = from.data() + j * count;
      for (std::size_t i = 0; i < places.size(); ++i) to[i] = column[places[i]];
      std::fill(to + places.size(), to + padded, to[0]);
    }
  };
  if (!file) {
    gather(x, features, to_x);
    gather(context, contexts, to_context);
    gather(whole, integers.size(), to_whole);
    return;
  }
  file->read(places, buffer.x, buffer.context);
  for (std::size_t k = 0; k < integers.size(); ++k) {
    double* const to = std::ranges::copy(buffer.x[integers[k]], to_whole + static_cast<Index>(k) * padded).out;
    std::fill(to, to_whole + static_cast<Index>(k + 1) * padded, to_whole[static_cast<Index>(k) * padded]);
  }
  schema->encode(buffer.x);
  schema->encode_context(buffer.context);
  put(buffer.x, places.size(), padded, to_x);
  put(buffer.context, places.size(), padded, to_context);
}

template <class T>
void Rows<T>::load(std::size_t first, std::size_t rows, Index padded, T* to_x, T* to_context, Buffer& buffer) const {
  const auto copy = [&](const std::vector<T>& from, std::size_t columns, T* to) {
    for (std::size_t j = 0; j < columns; ++j, to += padded) {
      std::copy_n(from.data() + j * count + first, rows, to);
      std::fill(to + rows, to + padded, to[0]);
    }
  };
  if (!file) {
    copy(x, features, to_x);
    copy(context, contexts, to_context);
    return;
  }
  file->read(first, rows, buffer.x, buffer.context);
  to_flow_units(*schema, buffer.x, buffer.context, {}, seed, first);
  put(buffer.x, rows, padded, to_x);
  put(buffer.context, rows, padded, to_context);
}

template <class T>
Rows<T> encoded(const data::Schema& schema, const Part& part, std::uint64_t seed) {
  if (part.count() == 0) return {};
  Rows<T> rows = described<T>(schema, part, seed);
  fill(rows, part, part.in_memory());
  if (!part.in_memory()) rows.file = &part;
  if (const Part looked_at = part.sample(seed); rows.file || looked_at.count() < rows.count) {
    rows.sample = std::make_shared<Rows<T>>(described<T>(schema, looked_at, seed));
    fill(*rows.sample, looked_at, true);
  }
  return rows;
}

template struct Rows<float>;
template struct Rows<double>;
template Rows<float> encoded<float>(const data::Schema&, const Part&, std::uint64_t);
template Rows<double> encoded<double>(const data::Schema&, const Part&, std::uint64_t);

}  // namespace flowfit::training
