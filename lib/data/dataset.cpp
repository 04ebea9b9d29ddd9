// A table of named columns of doubles, read from a file by name: in memory, or left in its file.
#include "data/dataset.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <set>
#include <stdexcept>
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

std::size_t Dataset::rows() const {
  if (file) return kept.empty() ? file->rows() : kept.size();
  return columns.empty() ? 0 : columns.front().size();
}

Columns Dataset::pick(std::span<const std::string> wanted) const {
  if (file) throw std::logic_error("Dataset::pick: the table is not in memory");
  Columns picked;
  for (const std::size_t place : locate(wanted, names, source)) picked.push_back(columns[place]);
  return picked;
}

void Dataset::read(std::span<const std::size_t> places, std::span<const std::uint32_t> rows, Columns& to) const {
  to.resize(places.size());
  for (std::vector<double>& column : to) column.resize(rows.size());
  if (!file) {
    for (std::size_t d = 0; d < places.size(); ++d)
      for (std::size_t i = 0; i < rows.size(); ++i) to[d][i] = columns[places[d]][rows[i]];
    return;
  }
  std::vector<std::uint32_t> in_file;
  if (!kept.empty()) {
    for (const std::uint32_t row : rows) in_file.push_back(kept[row]);
    rows = in_file;
  }
  file->prepare(rows);
  for (std::size_t d = 0; d < places.size(); ++d) file->read(places[d], rows, to[d].data());
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
  for (const double code : codes)
    if (!std::isnan(code)) used[static_cast<std::size_t>(code)] = true;
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
  for (double& code : codes)
    if (!std::isnan(code)) code = place[static_cast<std::size_t>(code)];
  texts = std::move(sorted);
}

/// Gives a table that was read, and not kept, its rows in the file.
void leave_in_file(Dataset& dataset, const std::string& path, std::vector<std::size_t> fields) {
  const auto file = std::make_shared<const NpyRows>(path, std::move(fields), dataset.texts);
  if (file->rows() > UINT32_MAX)
    throw core::DataError(
        core::message(dataset.source, "expected at most " + std::to_string(UINT32_MAX) + " rows", std::to_string(file->rows())));
  if (dataset.dropped > 0) {
    constexpr std::size_t chunk = 1 << 14;
    std::vector<double> values(chunk);
    for (std::size_t first = 0; first < file->rows(); first += chunk) {
      std::vector<std::uint32_t> rows(std::min(chunk, file->rows() - first));
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
      std::vector<bool> whole(rows.size(), true);
      for (std::size_t field = 0; field < dataset.names.size(); ++field) {
        file->read(field, rows, values.data());
        for (std::size_t i = 0; i < rows.size(); ++i) whole[i] = whole[i] && std::isfinite(values[i]);
      }
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (whole[i]) dataset.kept.push_back(rows[i]);
    }
  }
  dataset.file = file;
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

  std::vector<Categories> categories(dataset.names.size());
  for (std::size_t i = 0; i < categories.size(); ++i) {
    if (!among(selection.categorical, dataset.names[i])) continue;
    if (like)
      categories[i].texts = like->categories(dataset.names[i]);
    else
      categories[i].open = true;
  }
  const bool stays =  // standard input has no name to map it by again
      path != "-" &&
      reader.rows_in_place().value_or(0) > selection.most_bytes / sizeof(double) / std::max<std::size_t>(fields.size(), 1);
  reader.select(fields, selection.bad, std::move(categories));
  std::size_t count = 0;  // of rows read, whether there is room for them or not
  // Of a table that stays in its file: the codes that occur, for each column of categories. Its rows are read all the same, to be checked.
  std::vector<std::set<double>> occurring(dataset.names.size());
  dataset.columns.resize(stays ? 0 : dataset.names.size());
  core::needing_memory(
      [&] {
        return "the table " + dataset.source + ": " + std::to_string(count) + " rows of " + std::to_string(fields.size()) +
               " columns and more";
      },
      "name fewer columns under data.columns, give fewer rows, or save the table as .npy, which can stay on disk",
      [&] {
        TableRows rows;
        while (reader.read(chunk, rows) > 0) {
          count += rows.count;
          for (std::size_t i = 0; i < rows.columns.size(); ++i) {
            if (!stays)
              dataset.columns[i].insert(dataset.columns[i].end(), rows.columns[i].begin(), rows.columns[i].end());
            else if (!reader.categories()[i].numbers())
              std::ranges::copy_if(rows.columns[i], std::inserter(occurring[i], occurring[i].end()),
                                   [](double code) { return !std::isnan(code); });
          }
        }
      });
  dataset.dropped = reader.skipped();
  if (count == 0 && dataset.dropped > 0)
    throw core::DataError(core::message(dataset.source, "expected rows without missing cells", "none",
                                        "leave a column that is often empty out with data.columns"));
  if (count == 0)
    throw core::DataError(core::message(dataset.source, "expected rows of numbers", "a header only",
                                        reader.header_is_numeric() ? "the first row was taken as the column names" : ""));
  for (std::size_t i = 0; i < dataset.names.size(); ++i) {
    dataset.texts.push_back(reader.categories()[i].texts);
    if (like || dataset.texts[i].empty()) continue;
    std::vector<double> codes(occurring[i].begin(), occurring[i].end());
    sort_categories(dataset.texts[i], stays ? codes : dataset.columns[i], dataset.names[i]);
  }
  if (stays) leave_in_file(dataset, path, std::move(fields));
  return dataset;
}

void Fingerprint::add(const Columns& rows) {
  columns_.resize(rows.size());
  std::array<unsigned char, 8192> bytes;
  for (std::size_t d = 0; d < rows.size(); ++d) {
    for (std::size_t start = 0; start < rows[d].size();) {
      std::size_t size = 0;
      for (; start < rows[d].size() && size < bytes.size(); ++start) {
        const double value = rows[d][start];
        auto bits = std::bit_cast<std::uint64_t>(std::isnan(value) ? std::nan("") : value + 0.0);  // −0 + 0 is 0
        for (int i = 0; i < 8; ++i, bits >>= 8)
          bytes[size++] = static_cast<unsigned char>(bits & 0xFF);  // little-endian anywhere
      }
      columns_[d] = static_cast<std::uint32_t>(::crc32(columns_[d], bytes.data(), static_cast<uInt>(size)));
    }
  }
  rows_ += rows.empty() ? 0 : rows.front().size();
}

std::string Fingerprint::text() const {
  uLong crc = 0;
  for (const std::uint32_t column : columns_) crc = ::crc32_combine(crc, column, static_cast<z_off_t>(rows_ * sizeof(double)));
  char text[16];
  std::snprintf(text, sizeof text, "%08lx", crc);
  return "crc32:" + std::string(text) + "/" + std::to_string(rows_) + "x" + std::to_string(columns_.size());
}

}  // namespace flowfit::data
