// A flow: a base distribution pushed through transforms.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "distributions/distribution.h"
#include "transforms/transform.h"

namespace flowfit::flow {

using autodiff::Index;
using nn::Mapped;
using nn::Pass;
using nn::Var;

/// p(x | context) = base(T⁻¹(x)) · |det dT⁻¹/dx|, T = the transforms in the order of the config (Papamakarios et al., "Normalizing Flows for
/// Probabilistic Modeling and Inference", JMLR 2021, eq. 6).
template <class T>
class Flow {
 public:
  /// `layers`: the node of the (expanded) "flow" array; `base`: the node of "base". Refuses stacks whose supports do not chain.
  /// `columns`: their names, for a base that is told its columns by name. `start`: parameters of the layout that belong to other members of an ensemble, which
  /// have the same orders.
  Flow(const config::Node& layers, const config::Node& base, const std::string& prefix, nn::ParameterLayout& layout, int features,
       int context, std::uint64_t seed, const std::vector<std::string>& columns = {}, std::size_t start = 0);

  /// x: B x D, context: B x C or empty → B x 1, nats.
  Var<T> log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// data → base with Σ log_det.
  Mapped<T> encode(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// base → data with Σ log_det.
  Mapped<T> decode(Pass<T>& pass, Var<T> z, Var<T> context) const;
  Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, const core::RandomKey& key) const;
  /// What first gives no finite number for this row of x on its way to the base: `flow.2`, `base`, or "" where nothing does. For messages.
  std::string not_finite_at(Pass<T>& pass, Var<T> x, Var<T> context, Index row) const;

  /// The density of the cells that are `there` (distributions::Distribution), of a flow without layers whose base marginalizes.
  Var<T> log_prob_present(Pass<T>& pass, Var<T> x, Var<T> there) const;
  /// log p(x_d | the columns that column d looks at), B x D, which sum to log_prob. Only where unsplit() has nothing to say.
  Var<T> log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const;
  /// What the base columns are made of, all layers together.
  transforms::Links links() const;
  /// Why the density is no product of conditionals of single columns; empty: it is one.
  std::string unsplit() const;

  /// What the layers allow of decode∘encode = identity in float64, in all; and whether one of them estimates its log_det.
  double tolerance() const;
  bool estimates() const;

  const std::vector<std::unique_ptr<transforms::Transform<T>>>& layers() const { return layers_; }
  const distributions::Distribution<T>& base() const { return *base_; }

 private:
  std::string prefix_;
  int features_ = 0;
  std::vector<std::unique_ptr<transforms::Transform<T>>> layers_;
  std::unique_ptr<distributions::Distribution<T>> base_;
};

}  // namespace flowfit::flow
