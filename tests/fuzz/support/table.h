// A table read to its end, in chunks of a size, with what every reader of tables promises.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/table_reader.h"
#include "support/fuzz.h"

namespace flowfit::fuzz {

struct Outcome {
  std::vector<std::string> header;
  data::Columns columns;
  std::vector<std::string> lines;
  std::string error;
};

/// `open` makes the reader; its DataError counts as well.
template <class Open>
Outcome read(Open&& open, data::BadCell bad, std::size_t limit) {
  Outcome outcome;
  try {
    const auto reader = open();
    outcome.header = reader->header();
    std::vector<std::size_t> fields(reader->header().size());
    std::iota(fields.begin(), fields.end(), std::size_t{0});
    outcome.columns.resize(fields.size());
    reader->select(fields, bad);
    data::TableRows rows;
    while (reader->read(limit, rows) > 0) {
      must(rows.count <= limit && rows.columns.size() == fields.size(), "as many rows and columns as were asked for");
      for (std::size_t d = 0; d < fields.size(); ++d) {
        must(rows.columns[d].size() == rows.count, "columns of equal length");
        for (const double value : rows.columns[d])
          must(std::isfinite(value) || (bad == data::BadCell::nan && std::isnan(value)), "finite numbers");
        outcome.columns[d].insert(outcome.columns[d].end(), rows.columns[d].begin(), rows.columns[d].end());
      }
      outcome.lines.insert(outcome.lines.end(), rows.lines.begin(), rows.lines.end());
    }
  } catch (const core::DataError& error) {
    outcome.error = error.what();
    must(outcome.error.find('\n') == std::string::npos, "one line for an error");
  }
  return outcome;
}

/// Bit for bit: −0 is not 0, and NaN is NaN.
inline bool same(const data::Columns& a, const data::Columns& b) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  return std::ranges::equal(a, b, [&](const auto& x, const auto& y) { return std::ranges::equal(x, y, {}, bits, bits); });
}

}  // namespace flowfit::fuzz
