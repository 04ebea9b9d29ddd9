// The categorical columns of a model: p(c1)·p(c2 | c1)·…, by one masked network with a softmax a column.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/network.h"

namespace flowfit::flow {

using autodiff::Index;
using nn::Pass;
using nn::Var;

/// log p(c_j | c_1 … c_{j−1}, context) = log softmax(net_j(context, indicators of c_1 … c_{j−1}) + logits_j)[c_j], the masks as
/// in MADE (Germain et al. 2015). In the network each column has as many places as the widest one, so that its groups are even; a
/// column's places beyond its own categories are never read. Parameters: `categorical.logits` (of all columns, one after the other)
/// and `categorical.net.…`, which is missing where there is nothing to look at: one column, no context.
template <class T>
class Categories {
 public:
  /// `node`: the network's config ("categorical"). `places`: of the columns in x; `counts`: how many categories each has.
  /// `context`: numbers that the network sees. `prefix`: of its parameters' names.
  Categories(const config::Node& node, nn::ParameterLayout& layout, std::vector<int> places, std::vector<int> counts, int context,
             const std::string& prefix);

  const std::vector<int>& places() const { return places_; }
  const std::vector<int>& counts() const { return counts_; }

  /// x: B x D with codes at the places; context: B x C or empty → B x 1; −∞ for a code that is none.
  Var<T> log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// Each column's term of it: B x places().size().
  Var<T> log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// Draws codes into the places of x, a draw for each row id of the pass.
  void sample(Pass<T>& pass, Var<T> context, const core::RandomKey& key, Var<T> x) const;
  /// Sets the logits to the logarithms of the shares in n rows (column-major), each category counted half a time more.
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n) const;

 private:
  Var<T> input(Pass<T>& pass, Var<T> x, std::size_t column) const;
  Var<T> offsets(Pass<T>& pass, std::size_t column) const;

  std::vector<int> places_, counts_;
  int widest_ = 0;
  nn::Slot logits_;
  std::unique_ptr<nn::Network<T>> network_;
};

}  // namespace flowfit::flow
