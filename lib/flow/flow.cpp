// Building the stack, and running it both ways.
#include "flow/flow.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "autodiff/ops/elementwise.h"
#include "core/text.h"
#include "flow/presets.h"

namespace flowfit::flow {
namespace {

/// False for an unknown word, told with those in mind too that are written out before (flow/expand.h).
bool known_type(const config::Node& node) {
  if (!node.is_object() || !node.member("type").is_string()) return true;  // told by make_transform
  std::vector<std::string> types;
  for (const transforms::TransformEntry& entry : transforms::transforms()) types.push_back(entry.type);
  if (std::ranges::find(types, *node.member("type").as_string()) != types.end()) return true;
  types.insert(types.end(), presets().begin(), presets().end());
  types.emplace_back("repeat");
  (void)node.required_choice("type", types);
  return false;
}

/// A row so far out that a layer overflows (∞ − ∞) has no density that these numbers can hold.
template <class T>
Var<T> nan_is_zero_density(Var<T> log_p) {
  for (Index i = 0; i < log_p.rows; ++i) {
    if (std::isnan(log_p.value[i])) log_p.value[i] = -std::numeric_limits<T>::infinity();
  }
  return log_p;
}

}  // namespace

template <class T>
Flow<T>::Flow(const config::Node& layers, const config::Node& base, const std::string& prefix, nn::ParameterLayout& layout,
              int features, int context, std::uint64_t seed, const std::vector<std::string>& columns, std::size_t start)
    : prefix_(prefix), features_(features) {
  std::uint32_t place = static_cast<std::uint32_t>(layout.parameters().size() - start) << 12;
  int number = 0;
  base_ = distributions::make_distribution<T>(base, {layout, prefix + "base", features, context, columns});
  transforms::Support support{base_->support().first, base_->support().second};
  for (const config::Node& node : layers.elements()) {
    if (!known_type(node)) continue;
    layers_.push_back(transforms::make_transform<T>(
        node, {layout, prefix + "flow." + std::to_string(number++), features, context, seed, place++}));
    const transforms::Support domain = layers_.back()->domain();
    if (!support.inside(domain)) {
      const auto interval = [](const transforms::Support& s) {
        return "(" + core::number(s.low) + ", " + core::number(s.high) + ")";
      };
      node.error("expected numbers in " + interval(domain) + " from the layers before it, which give " + interval(support),
                 "change the order, or put a layer between them");
    }
    support = layers_.back()->image(support);
  }
}

template <class T>
Mapped<T> Flow<T>::encode(Pass<T>& pass, Var<T> x, Var<T> context) const {
  Mapped<T> m{x, {}};
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    const Mapped<T> next = (*layer)->inverse(pass, m.value, context);
    m = {next.value, m.log_det.empty() ? next.log_det : autodiff::add(pass.tape, m.log_det, next.log_det)};
  }
  return m.log_det.empty() ? Mapped<T>{m.value, autodiff::constant(pass.tape, x.rows, 1, T(0))} : m;
}

template <class T>
Mapped<T> Flow<T>::decode(Pass<T>& pass, Var<T> z, Var<T> context) const {
  Mapped<T> m{z, {}};
  for (const auto& layer : layers_) {
    const Mapped<T> next = layer->forward(pass, m.value, context);
    m = {next.value, m.log_det.empty() ? next.log_det : autodiff::add(pass.tape, m.log_det, next.log_det)};
  }
  return m.log_det.empty() ? Mapped<T>{m.value, autodiff::constant(pass.tape, z.rows, 1, T(0))} : m;
}

template <class T>
Var<T> Flow<T>::log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const {
  const Mapped<T> m = encode(pass, x, context);
  return nan_is_zero_density(autodiff::add(pass.tape, base_->log_prob(pass, m.value, context), m.log_det));
}

template <class T>
Var<T> Flow<T>::log_prob_present(Pass<T>& pass, Var<T> x, Var<T> there) const {
  return nan_is_zero_density(base_->log_prob_present(pass, x, there));
}

template <class T>
std::string Flow<T>::not_finite_at(Pass<T>& pass, Var<T> x, Var<T> context, Index row) const {
  const auto finite = [row](Var<T> v) {
    for (Index j = 0; j < v.cols; ++j)
      if (!std::isfinite(v.value[j * v.rows + row])) return false;
    return true;
  };
  for (std::size_t layer = layers_.size(); layer-- > 0;) {
    const Mapped<T> next = layers_[layer]->inverse(pass, x, context);
    if (!finite(next.value) || !finite(next.log_det)) return prefix_ + "flow." + std::to_string(layer);
    x = next.value;
  }
  return finite(base_->log_prob(pass, x, context)) ? "" : prefix_ + "base";
}

template <class T>
Var<T> Flow<T>::log_prob_by_column(Pass<T>& pass, Var<T> x, Var<T> context) const {
  const Index n = x.cols;
  pass.by_column = true;
  Mapped<T> m{x, autodiff::constant(pass.tape, x.rows, n, T(0))};
  std::vector<int> column(static_cast<std::size_t>(n));  // of x, that a column on the way is made of
  std::iota(column.begin(), column.end(), 0);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Mapped<T> next = layers_[i]->inverse(pass, m.value, context);
    const std::vector<int> own = layers_[i]->links().own;
    int* const kept = std::ranges::copy(own, pass.tape.template scratch<int>(n)).out - n;  // until the way back
    m = {next.value, autodiff::add(pass.tape, next.log_det, autodiff::gather_columns(pass.tape, m.log_det, {kept, own.size()}))};
    std::vector<int> after;
    for (const int from : own) after.push_back(column[static_cast<std::size_t>(from)]);
    column = std::move(after);
  }
  pass.by_column = false;
  const Var<T> out = pass.tape.make(x.rows, n, m.value.wants_grad() || m.log_det.wants_grad());
  for (Index d = 0; d < n; ++d) {
    const Var<T> term =
        autodiff::add(pass.tape, autodiff::standard_normal_log_prob(pass.tape, m.value.columns(d, 1)), m.log_det.columns(d, 1));
    autodiff::copy(pass.tape, nan_is_zero_density(term), out.columns(column[static_cast<std::size_t>(d)], 1));
  }
  return out;
}

template <class T>
transforms::Links Flow<T>::links() const {
  transforms::Links all = transforms::Links::each(features_);
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) all = (*layer)->links().after(all);
  return all;
}

template <class T>
std::string Flow<T>::unsplit() const {
  for (Index d = 0; d < features_; ++d) {
    if (!base_->standard_normal(d)) return "its base is not the standard normal";
  }
  transforms::Links all = transforms::Links::each(features_);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    all = layers_[i]->links().after(all);
    if (!all.order()) return "from layer " + std::to_string(i) + " on, columns look at each other";
  }
  return {};
}

template <class T>
Var<T> Flow<T>::sample(Pass<T>& pass, Index rows, Var<T> context, const core::RandomKey& key) const {
  return decode(pass, base_->sample(pass, rows, context, key), context).value;
}

template <class T>
double Flow<T>::tolerance() const {
  double sum = 0;
  for (const auto& layer : layers_) sum += layer->tolerance();
  return sum;
}

template <class T>
bool Flow<T>::estimates() const {
  return std::ranges::any_of(layers_, [](const auto& layer) { return layer->estimates(); });
}

template class Flow<float>;
template class Flow<double>;

}  // namespace flowfit::flow
