// An ensemble: the mean of the densities of K members of one config, each with weights of its own.
#pragma once

#include <string>
#include <vector>

#include "flow/density.h"

namespace flowfit::flow {

/// p(x | context) = 1/K · Σ p_k(x | context). K = 1: that density, at no cost. Its interface is that of Density.
template <class T>
class Ensemble {
 public:
  /// Reads an expanded config's root once a member. Parameters are called `members.<k>.…` where K > 1.
  Ensemble(const config::Node& root, int members, const std::vector<data::ColumnSpec>& columns,
           const std::vector<data::ColumnSpec>& context, nn::ParameterLayout& layout, std::uint64_t seed);

  const std::vector<Density<T>>& members() const { return members_; }
  Var<T> log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// As of a density.
  void take_missing() {
    for (Density<T>& member : members_) member.take_missing();
  }
  bool takes_missing() const { return members_.front().takes_missing(); }
  std::optional<std::pair<int, int>> inexact(const std::vector<bool>& missing) const { return members_.front().inexact(missing); }
  Var<T> log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// Each row is a draw of one member, which one its id decides.
  Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, std::uint64_t seed) const;
  /// Of a single member: several have no one base (std::logic_error).
  Mapped<T> encode(Pass<T>& pass, Var<T> x, Var<T> context) const { return single().encode(pass, x, context); }
  Mapped<T> decode(Pass<T>& pass, Var<T> z, Var<T> context) const { return single().decode(pass, z, context); }

  void initialize(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n, std::uint64_t seed,
                  core::ThreadPool& pool) const;
  void set_statistics(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                      core::ThreadPool& pool) const;
  void update_statistics(std::span<T> parameters, std::span<const double> sums, Index n) const;
  bool keeps_statistics() const { return members_.front().keeps_statistics(); }
  double tolerance() const { return members_.front().tolerance(); }
  bool estimates() const { return members_.front().estimates(); }
  std::vector<std::pair<double, double>> base_support() const { return members_.front().base_support(); }
  /// None of several members' columns.
  std::vector<bool> standard_normal() const;
  Conditionals conditionals() const { return members_.front().conditionals(); }

 private:
  const Density<T>& single() const;
  std::vector<Density<T>> members_;
};

}  // namespace flowfit::flow
