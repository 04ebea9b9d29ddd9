// A table in memory: named columns of doubles, read from a file by name.
#include "data/dataset.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "core/error.h"
#include "core/memory.h"
#include "core/text.h"

namespace flowfit::data {

std::vector<std::size_t> locate(std::span<const std::string> wanted, std::span<const std::string> header,
                                const std::string& source) {
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < header.size(); ++i) index.emplace(header[i], i);
  std::vector<std::size_t> places;
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    const auto found = index.find(name);
    if (found != index.end())
      places.push_back(found->second);
    else
      missing.push_back(name);
  }
  if (missing.empty()) return places;

  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(missing.size(), most); ++i) text += (i > 0 ? ", " : "") + core::quoted(missing[i]);
  if (missing.size() > most) text += ", … (" + std::to_string(missing.size()) + " in all)";
  // Of several, the first one that has a close relative speaks for all.
  std::string hint = core::suggestion(missing.front(), header);
  for (const std::string& name : missing) {
    if (core::closest(name, header).empty()) continue;
    hint = core::suggestion(name, header);
    break;
  }
  throw core::DataError(core::message(source, (missing.size() == 1 ? "no column " : "no columns ") + text, "", hint));
}

Columns Dataset::pick(std::span<const std::string> wanted) const {
  Columns picked;
  for (const std::size_t place : locate(wanted, names, source)) picked.push_back(columns[place]);
  return picked;
}

const std::vector<std::string>& Dataset::categories(const std::string& name) const {
  return texts[locate(std::span(&name, 1), names, source).front()];
}

namespace {

/// Puts a column's categories into an order that does not depend on that of the rows, and leaves out those that only rows had which were left out themselves.
void sort_categories(std::vector<std::string>& texts, std::vector<double>& codes, const std::string& name) {
  constexpr std::size_t most = 1000;
  if (texts.size() > most)
    throw core::DataError(core::message("column " + core::quoted(name), "expected at most 1000 categories",
                                        std::to_string(texts.size()), R"(leave it out with "kind": "ignore")"));
  std::vector<bool> used(texts.size());
  for (const double code : codes) used[static_cast<std::size_t>(code)] = true;
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < texts.size(); ++k)
    if (used[k]) order.push_back(k);
  const bool numbers = std::ranges::all_of(texts, [](const std::string& text) { return core::parse_number(text).has_value(); });
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const double x = numbers ? *core::parse_number(texts[a]) : 0, y = numbers ? *core::parse_number(texts[b]) : 0;
    return x != y ? x < y : texts[a] < texts[b];
  });
  std::vector<double> place(texts.size());
  std::vector<std::string> sorted;
  for (std::size_t k = 0; k < order.size(); ++k) {
    place[order[k]] = static_cast<double>(k);
    sorted.push_back(texts[order[k]]);
  }
  for (double& code : codes) code = place[static_cast<std::size_t>(code)];
  texts = std::move(sorted);
}

}  // namespace

Dataset read_dataset(const std::string& path, const Selection& selection, const ReadOptions& options, const Dataset* like) {
  constexpr std::size_t chunk = 1 << 14;
  const std::unique_ptr<TableReader> opened = open_table(path, options);
  TableReader& reader = *opened;
  Dataset dataset;
  dataset.source = reader.name();
  dataset.names = selection.wanted;
  const auto among = [](const std::vector<std::string>& list, const std::string& name) {
    return std::ranges::find(list, name) != list.end();
  };
  if (dataset.names.empty())
    std::ranges::copy_if(reader.header(), std::back_inserter(dataset.names),
                         [&](const std::string& name) { return !among(selection.ignored, name); });
  std::vector<std::size_t> fields = locate(dataset.names, reader.header(), dataset.source);

  dataset.columns.resize(dataset.names.size());
  std::vector<Categories> categories(dataset.names.size());
  for (std::size_t i = 0; i < categories.size(); ++i) {
    if (!among(selection.categorical, dataset.names[i])) continue;
    if (like)
      categories[i].texts = like->categories(dataset.names[i]);
    else
      categories[i].open = true;
  }
  reader.select(std::move(fields), selection.bad, std::move(categories));
  TableRows rows;
  std::size_t count = 0;  // of rows read, whether there is room for them or not
  core::needing_memory(
      [&] {
        return "the table " + dataset.source + ": " + std::to_string(count) + " rows of " +
               std::to_string(dataset.columns.size()) + " columns and more";
      },
      "name fewer columns under data.columns, or give fewer rows",
      [&] {
        while (reader.read(chunk, rows) > 0) {
          count += rows.count;
          for (std::size_t i = 0; i < rows.columns.size(); ++i)
            dataset.columns[i].insert(dataset.columns[i].end(), rows.columns[i].begin(), rows.columns[i].end());
        }
      });
  dataset.dropped = reader.skipped();
  if (dataset.rows() == 0 && dataset.dropped > 0)
    throw core::DataError(core::message(dataset.source, "expected rows without missing cells", "none",
                                        "leave a column that is often empty out with data.columns"));
  if (dataset.rows() == 0)
    throw core::DataError(core::message(dataset.source, "expected rows of numbers", "a header only",
                                        reader.header_is_numeric() ? "the first row was taken as the column names" : ""));
  for (std::size_t i = 0; i < dataset.names.size(); ++i) {
    dataset.texts.push_back(reader.categories()[i].texts);
    if (!like && !dataset.texts[i].empty()) sort_categories(dataset.texts[i], dataset.columns[i], dataset.names[i]);
  }
  return dataset;
}

std::string fingerprint(const Columns& columns) {
  std::uint32_t crc = 0;
  std::array<unsigned char, 8192> bytes;
  for (const std::vector<double>& column : columns) {
    for (std::size_t start = 0; start < column.size();) {
      std::size_t size = 0;
      for (; start < column.size() && size < bytes.size(); ++start) {
        auto bits = std::bit_cast<std::uint64_t>(column[start] + 0.0);  // −0 + 0 is 0
        for (int i = 0; i < 8; ++i, bits >>= 8)
          bytes[size++] = static_cast<unsigned char>(bits & 0xFF);  // little-endian anywhere
      }
      crc = static_cast<std::uint32_t>(::crc32(crc, bytes.data(), static_cast<uInt>(size)));
    }
  }
  char text[16];
  std::snprintf(text, sizeof text, "%08x", crc);
  const std::size_t rows = columns.empty() ? 0 : columns.front().size();
  return "crc32:" + std::string(text) + "/" + std::to_string(rows) + "x" + std::to_string(columns.size());
}

}  // namespace flowfit::data
