// The density of a whole model: its categories, then one flow given them, or factors p(x1)·p(x2|x1)…, trained together and sampled in order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/parallel.h"
#include "data/column.h"
#include "flow/categories.h"
#include "flow/conditionals.h"
#include "flow/flow.h"

namespace flowfit::flow {

/// Rows in a block. A multiple of 16, so that every row takes the same path through vectorized loops, in float and in double.
inline constexpr Index block_rows = 96;

template <class T>
class Density {
 public:
  /// Reads "flow" and "base", or "factors", and "categorical" of an expanded config's root. `columns` and `context` are the columns of x and of the context.
  /// `prefix`: of its parameters' names, for a member of an ensemble.
  Density(const config::Node& root, const std::vector<data::ColumnSpec>& columns, const std::vector<data::ColumnSpec>& context,
          nn::ParameterLayout& layout, std::uint64_t seed, const std::string& prefix = "");

  /// x: B x D, context: B x C or empty. All in the flow's units (preprocessed), categories as their codes, which encode and decode leave as they are.
  Var<T> log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// B x D, by column: see Conditionals. Only where they exist. 0 for a missing cell.
  Var<T> log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// From now on a NaN of x is a missing cell, and log_prob the density of the cells that are there, the others integrated out: where inexact() has nothing to say.
  void take_missing();
  bool takes_missing() const { return takes_missing_; }
  /// Of a row in which the columns `missing` are: one that is there, and a missing one without which it has no density in closed form.
  std::optional<std::pair<int, int>> inexact(const std::vector<bool>& missing) const;
  Mapped<T> encode(Pass<T>& pass, Var<T> x, Var<T> context) const;
  Mapped<T> decode(Pass<T>& pass, Var<T> z, Var<T> context) const;
  /// One draw a row id of the pass; `seed` alone decides the stream.
  Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, std::uint64_t seed) const;
  /// As of a flow, of the first factor where it is so: `factors.1.flow.0`.
  std::string not_finite_at(Pass<T>& pass, Var<T> x, Var<T> context, Index row) const;

  /// Sets the layers and bases that start from data (act_norm, batch_norm, mixture_normal) from n preprocessed rows (column-major n x D and n x C), in the
  /// order data → base: each from its rows as the layers before it leave them. `seed`: of what a base draws for its start.
  void initialize(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n, std::uint64_t seed,
                  core::ThreadPool& pool) const;
  /// The same for the statistics of batch_norm alone: exact for these weights and rows.
  void set_statistics(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                      core::ThreadPool& pool) const;
  /// Takes the sums of a batch of n rows (Pass::sums) into the running statistics.
  void update_statistics(std::span<T> parameters, std::span<const double> sums, Index n) const;
  bool keeps_statistics() const;

  /// As of a flow: of the least exact factor, and of any.
  double tolerance() const;
  bool estimates() const;
  /// Where each column of the base side lives, and whether it is standard normal.
  std::vector<std::pair<double, double>> base_support() const;
  std::vector<bool> standard_normal() const;
  Conditionals conditionals() const;

 private:
  struct Factor {
    std::vector<int> columns;  // places in x
    std::vector<int> given;    // places in [seen | x]
    Flow<T> flow;
    // With take_missing: how the flow goes without some of its columns. Whole: all of them or none are there.
    enum class Without { whole, by_column, by_base } without = Without::whole;
    std::vector<std::vector<int>> looks = {};  // by_column: for each of `columns`, those of x that it looks at
  };
  // A column that networks see as more than one number.
  struct Seen {
    data::Kind kind;
    int place;  // in the context, or in x
    int features;
  };
  // Where the factors' parameters go: `start` of them came before this density's.
  struct Place {
    nn::ParameterLayout& layout;
    const std::string& prefix;
    std::uint64_t seed;
    std::size_t start;
  };
  void read_factors(const config::Node& root, const std::vector<std::string>& columns, const std::vector<std::string>& seen,
                    const Place& place);
  // What networks see: the context's columns, then the categories of x, each as numbers; `context` itself where there is nothing else.
  Var<T> seen(Pass<T>& pass, Var<T> context, Var<T> x) const;
  // Of what networks see, the context's part: what categories look at.
  Var<T> of_context(Var<T> sees) const { return context_features_ > 0 ? sees.columns(0, context_features_) : Var<T>{}; }
  Var<T> part(Pass<T>& pass, const Factor& factor, Var<T> x) const;
  Var<T> given(Pass<T>& pass, const Factor& factor, Var<T> seen, Var<T> x) const;
  std::vector<int> given_columns(const Factor& factor) const;  // those of x among them
  Var<T> log_prob_present(Pass<T>& pass, Var<T> with_gaps, Var<T> context) const;
  using Chosen = bool (transforms::Transform<T>::*)() const;
  void set_from_rows(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                     core::ThreadPool& pool, Chosen chosen, const core::RandomKey* base_key) const;
  template <class Step>
  Mapped<T> by_factor(Pass<T>& pass, Var<T> codes, Index rows, Step step) const;

  int features_;
  std::vector<Seen> context_;                     // of the context, then of x
  int context_features_ = 0, seen_features_ = 0;  // of the context alone, and of all
  bool plain_ = true;                             // each of `context_` is one number
  bool takes_missing_ = false;
  std::unique_ptr<Categories<T>> categories_;  // null: none
  std::vector<Factor> factors_;
};

}  // namespace flowfit::flow
