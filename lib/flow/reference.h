// What a model's scores are held against: a normal and a mixture of normals fitted to the same rows, and the scores of held-out rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/parallel.h"
#include "data/schema.h"
#include "flow/archive.h"

namespace flowfit::flow {

/// Rows in the flow's units.
struct Sample {
  const data::Columns &x, &context;
  std::size_t rows;
};

/// The columns that hold numbers: all but the categories.
data::Columns numbers_of(const std::vector<data::Column>& kinds, data::Columns columns);

/// A mixture of K normals of J numbers, the C context columns in front, kept as the base `mixture_normal` keeps it: a leading part of
/// the columns is then the mixture of the leading parts of the factors. K = 1: a normal. K = 0: there is none.
struct Baseline {
  std::vector<double> logits, loc, lower, log_diagonal;  ///< K, K x J, K x J(J−1)/2, K x J

  bool empty() const { return logits.empty(); }
  /// log p(x | context) of each row in nats, the joint density less that of the context. In the flow's units. A NaN of x is a missing cell, integrated out.
  void log_prob(const data::Columns& x, const data::Columns& context, std::span<double> out, core::ThreadPool& pool) const;
  double mean_log_prob(const Sample& sample, core::ThreadPool& pool) const;
};

struct Reference {
  Baseline gaussian, mixture;  ///< baselines; empty in a file that was made without them, and beyond `most_columns`
  std::vector<double>
      shares;  ///< log-shares of the categories of each categorical column, one column after the other: its baseline, whatever the others are
  std::vector<double> scores;  ///< logprob of validation rows in data units, ascending: at most `most_scores`, drawn from them

  static constexpr std::size_t most_columns = 256, most_scores = 4096;

  /// Keeps validation scores, in data units.
  void keep_scores(const std::vector<double>& all, std::uint64_t seed);
  /// Sets `shares` to those of the codes in some rows, each category counted half a time more.
  void fit_shares(const std::vector<data::Column>& kinds, const data::Columns& columns);
  /// Adds the log-shares of the rows' categories.
  void add_shares(const std::vector<data::Column>& kinds, const data::Columns& columns, std::span<double> out) const;
  /// Tensors `reference.…`, none for what is empty.
  void write(Archive& archive) const;
  /// Throws ModelError for tensors under that name that `write` would not write for such columns.
  static Reference read(const Archive& archive, const data::Schema& schema, const std::string& where);
  static bool owns(std::string_view tensor) { return tensor.starts_with("reference."); }
};

/// Fits both baselines to the numbers of `train` (none: there are no baselines): the normal is the maximum-likelihood fit; the mixture has 1, 2, 4, … 32 components, doubled as long as `validation` gains and
/// there are 5(J + 3) rows a component. Without validation rows, every tenth training row judges the mixture and is not fitted to.
void fit_baselines(Reference& reference, const Sample& train, const Sample& validation, std::uint64_t seed,
                   core::ThreadPool& pool);

}  // namespace flowfit::flow
