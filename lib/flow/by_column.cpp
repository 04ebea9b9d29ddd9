// The density column by column: its conditionals, and that of the cells of a row that are there.
#include <algorithm>

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/missing.h"
#include "flow/density.h"

namespace flowfit::flow {
namespace {

/// For each of a factor's columns, those of x that its flow looks at.
std::vector<std::vector<int>> looks_of(const transforms::Links& links, const std::vector<int>& columns) {
  std::vector<std::vector<int>> looks(columns.size());
  for (std::size_t z = 0; z < links.own.size(); ++z)
    for (std::size_t j = 0; j < links.own.size(); ++j)
      if (links.looks[z][j]) looks[static_cast<std::size_t>(links.own[z])].push_back(columns[j]);
  return looks;
}

}  // namespace

template <class T>
std::vector<int> Density<T>::given_columns(const Factor& factor) const {
  std::vector<int> columns;
  for (const int place : factor.given) {
    int first = 0;
    for (const Seen& column : context_) {
      if (first >= context_features_ && place >= first && place < first + column.features) columns.push_back(column.place);
      first += column.features;
    }
    // Of several factors, `given` counts what networks see in front of x.
    if (place >= seen_features_) columns.push_back(place - seen_features_);
  }
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

template <class T>
Conditionals Density<T>::conditionals() const {
  Conditionals all;
  all.looks.resize(static_cast<std::size_t>(features_));
  all.base.resize(static_cast<std::size_t>(features_));
  for (const int place : categories_ ? categories_->places() : std::vector<int>{}) {
    all.looks[static_cast<std::size_t>(place)] = all.order;  // each looks at those before it
    all.base[static_cast<std::size_t>(place)] = place;
    all.order.push_back(place);
  }
  for (std::size_t f = 0; f < factors_.size(); ++f) {
    const Factor& factor = factors_[f];
    all.reason = factor.flow.unsplit();
    if (!all.reason.empty()) {
      if (factors_.size() > 1) all.reason = "factor " + std::to_string(f) + ": " + all.reason;
      return all;
    }
    const transforms::Links links = factor.flow.links();
    const std::vector<std::vector<int>> looks = looks_of(links, factor.columns);
    const std::vector<int> inside = *links.order();
    for (const int d : inside) all.order.push_back(factor.columns[static_cast<std::size_t>(d)]);
    for (std::size_t z = 0; z < links.own.size(); ++z) {
      const auto own = static_cast<std::size_t>(links.own[z]), column = static_cast<std::size_t>(factor.columns[own]);
      all.base[column] = factor.columns[z];
      all.looks[column] = given_columns(factor);
      all.looks[column].insert(all.looks[column].end(), looks[own].begin(), looks[own].end());
    }
  }
  return all;
}

template <class T>
Var<T> Density<T>::log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const {
  autodiff::Present<T> cells;
  if (takes_missing_) {
    cells = autodiff::present(pass.tape, x);
    x = cells.x;
  }
  const Var<T> all = pass.tape.make(x.rows, x.cols, false), sees = seen(pass, context, x);
  if (categories_)
    autodiff::scatter_columns(pass.tape, categories_->log_prob_by_column(pass, x, of_context(sees)), all, categories_->places());
  for (const Factor& factor : factors_)
    autodiff::scatter_columns(pass.tape,
                              factor.flow.log_prob_by_column(pass, part(pass, factor, x), given(pass, factor, sees, x)), all,
                              factor.columns);
  if (takes_missing_) all.val_array() = (cells.there.val_array() == T(0)).select(T(0), all.val_array());
  return all;
}

template <class T>
void Density<T>::take_missing() {
  takes_missing_ = true;
  for (Factor& factor : factors_) {
    if (factor.flow.layers().empty() && factor.flow.base().marginalizes()) factor.without = Factor::Without::by_base;
    if (!factor.flow.unsplit().empty()) continue;
    factor.without = Factor::Without::by_column;
    factor.looks = looks_of(factor.flow.links(), factor.columns);
  }
}

template <class T>
std::optional<std::pair<int, int>> Density<T>::inexact(const std::vector<bool>& missing) const {
  const auto gone = [&](int column) { return missing[static_cast<std::size_t>(column)]; };
  int lost = -1;  // a missing category
  for (const int place : categories_ ? categories_->places() : std::vector<int>{}) {
    if (gone(place))
      lost = place;
    else if (lost >= 0)
      return std::pair(place, lost);
  }
  for (const Factor& factor : factors_) {
    const auto there = std::ranges::find_if_not(factor.columns, gone);
    if (there == factor.columns.end()) continue;
    for (const int column : given_columns(factor))
      if (gone(column)) return std::pair(*there, column);
    if (factor.without == Factor::Without::whole) {
      const auto none = std::ranges::find_if(factor.columns, gone);
      if (none != factor.columns.end()) return std::pair(*there, *none);
    }
    for (std::size_t d = 0; d < factor.looks.size(); ++d) {
      if (gone(factor.columns[d])) continue;
      for (const int column : factor.looks[d])
        if (gone(column)) return std::pair(factor.columns[d], column);
    }
  }
  return std::nullopt;
}

template <class T>
Var<T> Density<T>::log_prob_present(Pass<T>& pass, Var<T> with_gaps, Var<T> context) const {
  nn::Tape<T>& tape = pass.tape;
  const auto [x, there] = autodiff::present(tape, with_gaps);
  const Var<T> sees = seen(pass, context, x);
  Var<T> sum = autodiff::constant(tape, x.rows, 1, T(0));
  if (categories_) {
    const Var<T> terms = categories_->log_prob_by_column(pass, x, of_context(sees));
    sum = autodiff::sum_present(tape, terms, autodiff::gather_columns(tape, there, categories_->places()));
  }
  for (const Factor& factor : factors_) {
    const Var<T> own = part(pass, factor, x), own_there = part(pass, factor, there), looks_at = given(pass, factor, sees, x);
    Var<T> term;
    switch (factor.without) {
      case Factor::Without::by_column:
        term = autodiff::sum_present(tape, factor.flow.log_prob_by_column(pass, own, looks_at), own_there);
        break;
      case Factor::Without::by_base:
        term = factor.flow.log_prob_present(pass, own, own_there);
        break;
      case Factor::Without::whole:
        // All of its columns are there, or none.
        term = autodiff::sum_present(tape, factor.flow.log_prob(pass, own, looks_at), own_there.columns(0, 1));
        break;
    }
    sum = autodiff::add(tape, sum, term);
  }
  return sum;
}

#define FLOWFIT_INSTANTIATE(T)                                                                             \
  template std::vector<int> Density<T>::given_columns(const Factor& factor) const;                         \
  template Conditionals Density<T>::conditionals() const;                                                  \
  template Var<T> Density<T>::log_prob_by_column(Pass<T>&, Var<T>, Var<T>) const;                          \
  template void Density<T>::take_missing();                                                                \
  template std::optional<std::pair<int, int>> Density<T>::inexact(const std::vector<bool>& missing) const; \
  template Var<T> Density<T>::log_prob_present(Pass<T>&, Var<T>, Var<T>) const;
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::flow
