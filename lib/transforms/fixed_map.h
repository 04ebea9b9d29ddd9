// Fixed maps of each column by itself: the transform that a formula becomes.
#pragma once

#include <algorithm>

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/entrywise.h"
#include "transforms/transform.h"

namespace flowfit::transforms {

/// What a formula may leave out. The rest is in autodiff/ops/entrywise.h; beside that it is made from the layer's config node. The domain and
/// the image are the widest: a formula's inputs lie strictly inside.
struct Formula {
  Formula() = default;
  explicit Formula(const config::Node&) {}
  Support domain() const { return {}; }
  Support image() const { return {}; }
  bool increases() const { return true; }
};

template <class T, class F>
class FixedMap final : public Transform<T> {
 public:
  FixedMap(const config::Node& node, const Build& build) : Transform<T>(build), formula_(node) {}
  Links links() const override { return Links::each(static_cast<int>(this->features())); }
  Support domain() const override { return formula_.domain(); }
  Support image(const Support& in) const override { return moved(in, false); }
  Support preimage(const Support& out) const override { return moved(out, true); }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override { return map(pass, x, false); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override { return map(pass, y, true); }

 private:
  Mapped<T> map(Pass<T>& pass, Var<T> x, bool inverse) const {
    const Support domain = formula_.domain(), image = formula_.image();
    const autodiff::Within<T> low(domain.low, domain.high), high(image.low, image.high);
    const Mapped<T> m = autodiff::entrywise(pass.tape, x, formula_, inverse, inverse ? high : low, inverse ? low : high);
    return {m.value, Transform<T>::wanted(pass, m.log_det)};
  }

  // Of an interval. The formula sees only ends that lie strictly inside.
  Support moved(const Support& interval, bool inverse) const {
    const Support from = inverse ? formula_.image() : formula_.domain(), to = inverse ? formula_.domain() : formula_.image();
    const auto end = [&](double v) {
      if (v <= from.low) return formula_.increases() ? to.low : to.high;
      if (v >= from.high) return formula_.increases() ? to.high : to.low;
      double result = 0, log_slope = 0;
      const autodiff::ArrayMap<double> in(&v, 1, 1), out(&result, 1, 1), slope(&log_slope, 1, 1);
      inverse ? formula_.inverse(in, out, slope) : formula_.forward(in, out, slope);
      return std::clamp(result, to.low, to.high);
    };
    const double a = end(interval.low), b = end(interval.high);
    return {std::min(a, b), std::max(a, b)};
  }

  F formula_;
};

/// The entry of a transform that is another one turned around.
template <TransformEntry (*other)()>
TransformEntry turned_entry(std::string type, std::vector<Example> examples) {
  return {std::move(type), std::move(examples),
          [](const config::Node& node, const Build& build) { return turned(build, other().make_float(node, build)); },
          [](const config::Node& node, const Build& build) { return turned(build, other().make_double(node, build)); },
          other().tolerance};
}

}  // namespace flowfit::transforms
