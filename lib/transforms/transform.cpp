// Shape checks, the registry of transforms, and `"inverse": true`.
#include "transforms/transform.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autodiff/ops/elementwise.h"

namespace flowfit::transforms {

bool Support::inside(const Support& other) const {
  const auto slack = [](double a, double b) { return 1e-12 * std::max(std::abs(a), std::abs(b)) + 1e-15; };
  return low >= other.low - (std::isfinite(low) ? slack(low, other.low) : 0) &&
         high <= other.high + (std::isfinite(high) ? slack(high, other.high) : 0);
}

template <class T>
Mapped<T> Transform<T>::checked(Direction direction, Pass<T>& pass, Var<T> x, Var<T> context) const {
  if (x.cols != features_ || (context_ > 0) != !context.empty() ||
      (!context.empty() && (context.cols != context_ || context.rows != x.rows)))
    throw std::logic_error("transform: expected x B x " + std::to_string(features_) + " and context B x " +
                           std::to_string(context_) + ", got " + std::to_string(x.rows) + " x " + std::to_string(x.cols) +
                           " and " + std::to_string(context.rows) + " x " + std::to_string(context.cols));
  return (this->*direction)(pass, x, context);
}

template <class T>
Var<T> Transform<T>::wanted(Pass<T>& pass, Var<T> log_dets, const std::vector<int>* where) {
  if (!pass.by_column) return autodiff::row_sum(pass.tape, log_dets);
  return where ? autodiff::gather_columns(pass.tape, log_dets, *where) : log_dets;
}

template <class T>
Mapped<T> Transform<T>::scaled(Pass<T>& pass, Var<T> x, Var<T> log_scale, Var<T> shift, bool inverse) {
  Mapped<T> m = autodiff::scale_shift(pass.tape, x, log_scale, shift, inverse);
  if (pass.by_column) m.log_det = autodiff::repeat_row(pass.tape, log_scale, x.rows, inverse ? T(-1) : T(1));
  return m;
}

/// Any transform turned around.
template <class T>
class Inverted final : public Transform<T> {
 public:
  Inverted(const Build& build, std::unique_ptr<Transform<T>> inner) : Transform<T>(build), inner_(std::move(inner)) {
    this->allow(inner_->tolerance());
  }
  bool estimates() const override { return inner_->estimates(); }
  Links links() const override { return inner_->links().turned(); }
  Support domain() const override { return inner_->image(inner_->domain()); }
  Support image(const Support& in) const override { return inner_->preimage(in); }
  Support preimage(const Support& out) const override { return inner_->image(out); }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return inner_->map_inverse(pass, x, context); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return inner_->map_forward(pass, y, context); }

 private:
  std::unique_ptr<Transform<T>> inner_;
};

template <class T>
std::unique_ptr<Transform<T>> turned(const Build& build, std::unique_ptr<Transform<T>> inner) {
  return std::make_unique<Inverted<T>>(build, std::move(inner));
}

#define ENTRY(word) TransformEntry word##_transform();
#include "registry/transforms.inc"
#undef ENTRY

const std::vector<TransformEntry>& transforms() {
  static const std::vector<TransformEntry> entries{
#define ENTRY(word) word##_transform(),
#include "registry/transforms.inc"
#undef ENTRY
  };
  return entries;
}

bool reads_context(const config::Node& node, const Build& build) {
  if (!node.boolean("context", false)) {
    if (node.has("net")) node.error_at("net", R"(only "context": true has a network; set it, or remove "net")");
    return false;
  }
  if (build.context == 0) node.error_at("context", "there is no context here; name the columns in data.context, or remove it");
  return build.context > 0;
}

std::vector<double> column_numbers(const config::Node& node, std::string_view key, double fallback, int features,
                                   config::Range range) {
  const auto count = static_cast<std::size_t>(features);
  if (!node.member(key).is_array()) return std::vector<double>(count, node.number(key, fallback, range));
  std::vector<double> values = node.numbers(key, {fallback}, range);
  if (values.size() == count) return values;
  node.member(key).error("expected one number, or one for each of the " + std::to_string(features) + " columns");
  return std::vector<double>(count, fallback);
}

template <class T>
std::unique_ptr<Transform<T>> make_transform(const config::Node& node, const Build& build) {
  std::vector<std::string> types;
  for (const TransformEntry& entry : transforms()) types.push_back(entry.type);
  const std::string type = node.expect_object() ? node.required_choice("type", types) : std::string();
  const auto found = std::ranges::find(transforms(), type, &TransformEntry::type);
  // Something that asks for nothing stands in for an unknown layer, so that the others are still read.
  const TransformEntry& entry =
      found == transforms().end() ? *std::ranges::find(transforms(), "permutation", &TransformEntry::type) : *found;
  std::unique_ptr<Transform<T>> made;
  if constexpr (std::is_same_v<T, float>)
    made = entry.make_float(node, build);
  else
    made = entry.make_double(node, build);
  made->allow(entry.tolerance);
  const bool inverted = node.has("inverse") && node.boolean("inverse", false);
  if (inverted && made->needs_initialize())
    node.error_at("inverse", "is set from the data on its way to the base; it cannot be turned around");
  if (found != transforms().end()) node.finish();
  return inverted ? turned(build, std::move(made)) : std::move(made);
}

template class Transform<float>;
template class Transform<double>;
template std::unique_ptr<Transform<float>> turned<float>(const Build&, std::unique_ptr<Transform<float>>);
template std::unique_ptr<Transform<double>> turned<double>(const Build&, std::unique_ptr<Transform<double>>);
template std::unique_ptr<Transform<float>> make_transform<float>(const config::Node&, const Build&);
template std::unique_ptr<Transform<double>> make_transform<double>(const config::Node&, const Build&);

}  // namespace flowfit::transforms
