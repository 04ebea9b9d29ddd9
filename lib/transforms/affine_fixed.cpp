// affine_fixed: y = loc + scale·x, by column, with numbers given in the config. Nothing is learned.
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class AffineFixed final : public Transform<T> {
 public:
  AffineFixed(const config::Node& node, const Build& build) : Transform<T>(build) {
    const std::vector<double> loc = read(node, "loc", 0.0), scale = read(node, "scale", 1.0);
    for (std::size_t d = 0; d < static_cast<std::size_t>(build.features); ++d) {
      loc_.push_back(static_cast<T>(d < loc.size() ? loc[d] : loc.front()));
      log_scale_.push_back(static_cast<T>(std::log(d < scale.size() ? scale[d] : scale.front())));
    }
  }
  Support image(const Support& in) const override {
    // The widest over the columns: a stack is checked for all of them at once.
    Support out{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    for (std::size_t d = 0; d < loc_.size(); ++d) {
      const double s = std::exp(static_cast<double>(log_scale_[d])), t = static_cast<double>(loc_[d]);
      out = {std::min(out.low, s * in.low + t), std::max(out.high, s * in.high + t)};
    }
    return out;
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    return autodiff::scale_shift(pass.tape, x, fixed(log_scale_), fixed(loc_), false);
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    return autodiff::scale_shift(pass.tape, y, fixed(log_scale_), fixed(loc_), true);
  }

 private:
  // A number for all columns, or one for each.
  std::vector<double> read(const config::Node& node, const char* key, double fallback) const {
    const bool positive = fallback > 0;
    const config::Range range = positive ? config::Range{.low = 0.0, .high = 1e300, .open_low = true} : config::Range{};
    if (!node.member(key).is_array()) return {node.number(key, fallback, range)};
    const std::vector<double> values = node.numbers(key, {fallback}, range);
    if (static_cast<Index>(values.size()) == this->features()) return values;
    node.member(key).error("expected one number, or one for each of the " + std::to_string(this->features()) + " columns");
    return {fallback};
  }
  static Var<T> fixed(const std::vector<T>& v) { return {const_cast<T*>(v.data()), nullptr, 1, static_cast<Index>(v.size())}; }
  std::vector<T> loc_, log_scale_;
};

}  // namespace

TransformEntry affine_fixed_transform() {
  return transform_entry<AffineFixed>("affine_fixed", {{R"({"type": "affine_fixed", "loc": [1, -2], "scale": [0.5, 3]})", 2, 0},
                                                       {R"({"type": "affine_fixed", "scale": 2})", 1, 0}});
}

}  // namespace flowfit::transforms
