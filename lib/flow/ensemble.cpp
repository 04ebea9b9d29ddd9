// Means of densities, and draws of one member a row.
#include "flow/ensemble.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/gaussian.h"

namespace flowfit::flow {
namespace {

constexpr Index unit = 16;  ///< rows come in multiples of it, so that each takes the same path through vectorized loops

/// log(1/K Σ exp(terms_k)) of K columns B x 1.
template <class T>
Var<T> log_mean(nn::Tape<T>& tape, const std::vector<Var<T>>& terms) {
  const Index count = static_cast<Index>(terms.size());
  const Var<T> all = tape.make(terms.front().rows, count, true);
  for (Index k = 0; k < count; ++k) autodiff::copy(tape, terms[static_cast<std::size_t>(k)], all.columns(k, 1));
  return autodiff::log_mixture(tape, all, autodiff::constant(tape, 1, count, T(0)));
}

}  // namespace

template <class T>
Ensemble<T>::Ensemble(const config::Node& root, int members, const std::vector<data::ColumnSpec>& columns,
                      const std::vector<data::ColumnSpec>& context, nn::ParameterLayout& layout, std::uint64_t seed) {
  for (int k = 0; k < members; ++k)
    members_.emplace_back(root, columns, context, layout, seed, members > 1 ? "members." + std::to_string(k) + "." : "");
}

template <class T>
const Density<T>& Ensemble<T>::single() const {
  if (members_.size() > 1) throw std::logic_error("ensemble: several members have no one base");
  return members_.front();
}

template <class T>
Var<T> Ensemble<T>::log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const {
  if (members_.size() == 1) return members_.front().log_prob(pass, x, context);
  std::vector<Var<T>> terms;
  for (const Density<T>& member : members_) terms.push_back(member.log_prob(pass, x, context));
  return log_mean(pass.tape, terms);
}

template <class T>
Var<T> Ensemble<T>::log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const {
  if (members_.size() == 1) return members_.front().log_prob_by_column(pass, x, context);
  // p(x_d | those before it) = p(x_1 … x_d) / p(x_1 … x_(d−1)): of means of the members' products, in the order that all of them have.
  const std::vector<int> order = conditionals().order;
  std::vector<Var<T>> terms, products;
  for (const Density<T>& member : members_) {
    terms.push_back(member.log_prob_by_column(pass, x, context));
    products.push_back(autodiff::constant(pass.tape, x.rows, 1, T(0)));
  }
  const Var<T> all = pass.tape.make(x.rows, x.cols, false), before = autodiff::constant(pass.tape, x.rows, 1, T(0));
  for (const int d : order) {
    for (std::size_t k = 0; k < products.size(); ++k) products[k].val() += terms[k].val().col(d);
    const Var<T> until = log_mean(pass.tape, products);
    for (Index i = 0; i < x.rows; ++i) {
      T& term = all.value[d * x.rows + i];
      term = std::isinf(before.value[i]) ? T(0) : until.value[i] - before.value[i];
      before.value[i] = until.value[i];
    }
  }
  return all;
}

template <class T>
Var<T> Ensemble<T>::sample(Pass<T>& pass, Index rows, Var<T> context, std::uint64_t seed) const {
  if (members_.size() == 1) return members_.front().sample(pass, rows, context, seed);
  nn::Tape<T>& tape = pass.tape;
  Var<T> all;
  int* const member_of = tape.template scratch<int>(rows);
  for (Index i = 0; i < rows; ++i) {
    double u = 0;
    core::RandomKey{seed, core::Purpose::member}.uniforms(pass.rows[i], {&u, 1});
    member_of[i] = static_cast<int>(u * static_cast<double>(members_.size()));
  }
  Index* const chosen = tape.template scratch<Index>(rows + unit);
  std::uint64_t* const ids = tape.template scratch<std::uint64_t>(rows + unit);
  for (std::size_t k = 0; k < members_.size(); ++k) {
    Index count = 0;
    for (Index i = 0; i < rows; ++i)
      if (member_of[i] == static_cast<int>(k)) chosen[count++] = i;
    if (count == 0) continue;
    const Index padded = (count + unit - 1) / unit * unit;
    std::fill(chosen + count, chosen + padded, chosen[0]);
    Var<T> given;
    if (!context.empty()) given = tape.make(padded, context.cols, false);
    for (Index i = 0; i < padded; ++i) {
      ids[i] = pass.rows[chosen[i]];
      for (Index c = 0; c < given.cols; ++c) given.value[c * padded + i] = context.value[c * rows + chosen[i]];
    }
    Pass<T> part = pass;
    part.rows = ids;
    const Var<T> drawn = members_[k].sample(part, padded, given, seed);
    if (all.empty()) all = tape.make(rows, drawn.cols, false);
    for (Index d = 0; d < all.cols; ++d)
      for (Index i = 0; i < count; ++i) all.value[d * rows + chosen[i]] = drawn.value[d * padded + i];
  }
  return all;
}

template <class T>
void Ensemble<T>::initialize(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                             std::uint64_t seed, core::ThreadPool& pool) const {
  for (std::size_t k = 0; k < members_.size(); ++k) members_[k].initialize(parameters, rows, context, n, seed + k, pool);
}

template <class T>
void Ensemble<T>::set_statistics(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                                 core::ThreadPool& pool) const {
  for (const Density<T>& member : members_) member.set_statistics(parameters, rows, context, n, pool);
}

template <class T>
void Ensemble<T>::update_statistics(std::span<T> parameters, std::span<const double> sums, Index n) const {
  for (const Density<T>& member : members_) member.update_statistics(parameters, sums, n);
}

template <class T>
std::vector<bool> Ensemble<T>::standard_normal() const {
  const std::vector<bool> one = members_.front().standard_normal();
  return members_.size() == 1 ? one : std::vector<bool>(one.size(), false);
}

template class Ensemble<float>;
template class Ensemble<double>;

}  // namespace flowfit::flow
