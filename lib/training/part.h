// The two parts of the data, those rows that train and those that judge, by their places in a table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "flow/settings.h"

namespace flowfit::training {

/// Before a training no more rows than this are looked at, whether the table fits into memory or not: to fit columns, starts and baselines to. They are drawn by
/// the seed. Limits, categories and the numbers of rows are of all of them.
inline constexpr std::size_t most_looked_at = 1 << 20;

/// Some rows of a table, in data units, numbered from 0 on. Nothing is copied: the table must outlive it.
class Part {
 public:
  Part() = default;
  /// `rows`: in the table, ascending. `weights`: of them, or none.
  Part(const data::Dataset& table, const flow::Settings& settings, std::vector<std::uint32_t> rows, std::vector<double> weights);

  std::size_t count() const { return rows_.size(); }
  const std::vector<double>& weights() const { return weights_; }
  bool in_memory() const { return !table_ || !table_->file; }
  /// Replaces x and context by the rows at some places of this part.
  void read(std::span<const std::uint32_t> places, data::Columns& x, data::Columns& context) const;
  void read(std::size_t first, std::size_t count, data::Columns& x, data::Columns& context) const;
  /// All modelled columns, all context columns: of a part that is known to be small.
  data::Columns x() const;
  data::Columns context() const;
  /// Calls f(first, x, context) for some rows after the other, which it may change.
  template <class F>
  void by_chunks(F&& f) const {
    data::Columns x, context;
    for (std::size_t first = 0; first < count(); first += chunk()) {
      read(first, std::min(chunk(), count() - first), x, context);
      f(first, x, context);
    }
  }
  /// Places of the rows without a missing cell: all of them but for a table whose missing cells are kept.
  std::vector<std::uint32_t> whole() const;
  /// The rows to look at: the whole ones, or `most_looked_at` of them.
  Part sample(std::uint64_t seed) const;
  const std::string& source() const { return table_->source; }
  std::uint32_t row(std::size_t place) const { return rows_[place]; }  ///< in the table
  /// Its rows at these places alone.
  Part at(const std::vector<std::uint32_t>& places) const;

 private:
  std::size_t chunk() const;

  const data::Dataset* table_ = nullptr;
  std::vector<std::size_t> columns_, context_;  // in the table
  std::vector<std::uint32_t> rows_;
  std::vector<double> weights_;
  bool gaps_ = false;  // cells may be missing
};

struct Parts {
  Part train, validation;
  std::string fingerprint;  ///< of both parts' values
  /// Of each modelled column and then each of the context, over all rows: its least and its greatest number and, where there is one, one that is not whole.
  data::Columns extremes;
};

/// Splits `table` by `data.validation` (rows drawn by the seed, kept in their order), or takes `validation` for the second part. Rows of weight 0 are in
/// neither. Throws DataError, for a weight below 0 too. The tables must outlive the parts.
Parts split(const flow::Settings& settings, const data::Dataset& table, const data::Dataset* validation);

}  // namespace flowfit::training
