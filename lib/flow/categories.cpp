// The categorical columns of a model: p(c1)·p(c2 | c1)·…, by one masked network with a softmax a column.
#include "flow/categories.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autodiff/ops/categorical.h"
#include "autodiff/ops/elementwise.h"

namespace flowfit::flow {

template <class T>
Categories<T>::Categories(const config::Node& node, nn::ParameterLayout& layout, std::vector<int> places, std::vector<int> counts,
                          int context, const std::string& prefix)
    : places_(std::move(places)), counts_(std::move(counts)), widest_(std::ranges::max(counts_)) {
  const nn::NetworkSpec spec = nn::NetworkSpec::read(node, true);
  const int columns = static_cast<int>(places_.size());
  logits_ = layout.vector(prefix + "categorical.logits", {std::accumulate(counts_.begin(), counts_.end(), 0)}, nn::zeros());
  if (columns == 1 && context == 0) return;
  network_ = std::make_unique<nn::Network<T>>(layout, prefix + "categorical.net", spec, context, columns * widest_, columns,
                                              std::vector<double>(static_cast<std::size_t>(columns * widest_), 0.0));
}

template <class T>
Var<T> Categories<T>::input(Pass<T>& pass, Var<T> x, std::size_t column) const {
  const Var<T> y = pass.tape.make(x.rows, widest_, false);
  autodiff::indicators(x.columns(places_[column], 1), y);
  return y;
}

template <class T>
Var<T> Categories<T>::offsets(Pass<T>& pass, std::size_t column) const {
  const Index before = std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(column), Index{0});
  return pass.parameter(logits_).columns(before, counts_[column]);
}

template <class T>
Var<T> Categories<T>::log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const {
  return autodiff::row_sum(pass.tape, log_prob_by_column(pass, x, context));
}

template <class T>
Var<T> Categories<T>::log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const {
  Var<T> output;
  if (network_) {
    const Var<T> all = pass.tape.make(x.rows, static_cast<Index>(places_.size()) * widest_, false);
    for (std::size_t j = 0; j < places_.size(); ++j)
      autodiff::indicators(x.columns(places_[j], 1), all.columns(static_cast<Index>(j) * widest_, widest_));
    output = network_->run(pass, context, all);
  }
  const Var<T> terms = pass.tape.make(x.rows, static_cast<Index>(places_.size()), true);
  for (std::size_t j = 0; j < places_.size(); ++j) {
    const Var<T> logits = network_ ? output.columns(static_cast<Index>(j) * widest_, counts_[j]) : Var<T>{};
    autodiff::copy(pass.tape, autodiff::categorical_log_prob(pass.tape, logits, offsets(pass, j), x.columns(places_[j], 1)),
                   terms.columns(static_cast<Index>(j), 1));
  }
  return terms;
}

template <class T>
void Categories<T>::sample(Pass<T>& pass, Var<T> context, const core::RandomKey& key, Var<T> x) const {
  const Index rows = x.rows, columns = static_cast<Index>(places_.size());
  double* row = pass.tape.template scratch<double>(columns);
  double* uniforms = pass.tape.template scratch<double>(rows * columns);
  for (Index i = 0; i < rows; ++i) {
    key.uniforms(pass.rows[i], {row, static_cast<std::size_t>(columns)});
    for (Index j = 0; j < columns; ++j) uniforms[j * rows + i] = row[j];
  }
  Var<T> shape = context;
  shape.rows = rows;
  typename nn::Network<T>::State state{};
  if (network_) state = network_->begin(pass, shape, false);
  for (std::size_t j = 0; j < places_.size(); ++j) {
    const int group = static_cast<int>(j);
    Var<T> logits;
    if (network_) {
      network_->advance(pass, state, group, group);
      logits = state.output.columns(static_cast<Index>(j) * widest_, counts_[j]);
    }
    autodiff::categorical_draw(pass.tape, logits, offsets(pass, j), uniforms + static_cast<Index>(j) * rows, rows,
                               x.value + static_cast<Index>(places_[j]) * rows);
    if (network_) network_->provide(pass, state, input(pass, x, j), group * widest_);
  }
}

template <class T>
void Categories<T>::initialize(std::span<T> parameters, std::span<const T> rows, Index n) const {
  auto logit = parameters.begin() + logits_.offset;
  for (std::size_t j = 0; j < places_.size(); ++j) {
    std::vector<double> count(static_cast<std::size_t>(counts_[j]), 0.5);
    for (const T code : rows.subspan(static_cast<std::size_t>(places_[j] * n), static_cast<std::size_t>(n)))
      count[static_cast<std::size_t>(code)] += 1;
    for (const double c : count) *logit++ = static_cast<T>(std::log(c / static_cast<double>(n)));
  }
}

template class Categories<float>;
template class Categories<double>;

}  // namespace flowfit::flow
