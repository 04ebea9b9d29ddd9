// affine_fixed: y = loc + scale·x, by column, with numbers given in the config. Nothing is learned.
#include <algorithm>
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class AffineFixed final : public Transform<T> {
 public:
  AffineFixed(const config::Node& node, const Build& build) : Transform<T>(build) {
    const std::vector<double> loc = column_numbers(node, "loc", 0.0, build.features);
    const std::vector<double> scale = column_numbers(node, "scale", 1.0, build.features, {.low = 0.0, .open_low = true});
    for (std::size_t d = 0; d < loc.size(); ++d) {
      maps_.push_back({loc[d], scale[d]});
      loc_.push_back(static_cast<T>(loc[d]));
      log_scale_.push_back(static_cast<T>(std::log(scale[d])));
    }
  }
  Links links() const override { return Links::each(static_cast<int>(this->features())); }
  Support image(const Support& in) const override {
    return widest([&](const Map& m) { return Support{m.loc + m.scale * in.low, m.loc + m.scale * in.high}; });
  }
  Support preimage(const Support& out) const override {
    return widest([&](const Map& m) { return Support{(out.low - m.loc) / m.scale, (out.high - m.loc) / m.scale}; });
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    return Transform<T>::scaled(pass, x, fixed(log_scale_), fixed(loc_), false);
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    return Transform<T>::scaled(pass, y, fixed(log_scale_), fixed(loc_), true);
  }

 private:
  static Var<T> fixed(const std::vector<T>& v) { return {const_cast<T*>(v.data()), nullptr, 1, static_cast<Index>(v.size())}; }

  struct Map {
    double loc, scale;
  };
  // The hull over the columns: a stack is checked for all of them at once.
  template <class F>
  Support widest(F of_one) const {
    Support hull = of_one(maps_.front());
    for (const Map& map : maps_) {
      const Support one = of_one(map);
      hull = {std::min(hull.low, one.low), std::max(hull.high, one.high)};
    }
    return hull;
  }
  std::vector<Map> maps_;  // as the config says
  std::vector<T> loc_, log_scale_;
};

}  // namespace

TransformEntry affine_fixed_transform() {
  return transform_entry<AffineFixed>("affine_fixed", {{R"({"type": "affine_fixed", "loc": [1, -2], "scale": [0.5, 3]})", 2, 0},
                                                       {R"({"type": "affine_fixed", "scale": 2})", 1, 0}});
}

}  // namespace flowfit::transforms
