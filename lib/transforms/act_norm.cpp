// act_norm: a learned scale and shift of each column, set so that the training data arrives at the base side standardized.
//
// Kingma, Dhariwal, "Glow", NeurIPS 2018, §3.1, but from all training rows, once, when training begins. x = z·exp(log_scale) + shift. A constant column gets
// scale 1. Parameters: `log_scale` (D), `shift` (D). With "context": true, a network of the context scales and shifts z first (softclip, nothing at the
// start): `net.…`, for each column t, u.
#include <cmath>

#include "autodiff/ops/affine.h"
#include "autodiff/ops/elementwise.h"
#include "nn/conditioner.h"
#include "transforms/moments.h"

namespace flowfit::transforms {
namespace {

template <class T>
class ActNorm final : public Transform<T> {
 public:
  ActNorm(const config::Node& node, const Build& build)
      : Transform<T>(build),
        log_scale_(build.layout.vector(build.name + ".log_scale", {build.features}, nn::zeros())),
        shift_(build.layout.vector(build.name + ".shift", {build.features}, nn::zeros())) {
    if (reads_context(node, build))
      conditioner_ = std::make_unique<nn::Conditioner<T>>(node, build.layout, build.name, build.context, 0, build.features,
                                                          std::vector<double>{0.0, 0.0});
  }

  Links links() const override { return Links::each(static_cast<int>(this->features())); }
  bool needs_initialize() const override { return true; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n) const override {
    for (Index d = 0; d < this->features(); ++d) {
      const auto [mean, variance] = moments(rows.data() + d * n, n);
      const bool usable = std::isfinite(variance) && variance > 1e-12 * (1 + mean * mean);
      parameters[static_cast<std::size_t>(log_scale_.offset + d)] = usable ? static_cast<T>(0.5 * std::log(variance)) : T(0);
      parameters[static_cast<std::size_t>(shift_.offset + d)] = std::isfinite(mean) ? static_cast<T>(mean) : T(0);
    }
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override {
    if (!conditioner_) return common(pass, x, false);
    const Mapped<T> own = by_context(pass, x, context, false);
    return joined(pass, common(pass, own.value, false), own);
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override {
    const Mapped<T> all = common(pass, y, true);
    return conditioner_ ? joined(pass, by_context(pass, all.value, context, true), all) : all;
  }

 private:
  Mapped<T> common(Pass<T>& pass, Var<T> x, bool inverse) const {
    return Transform<T>::scaled(pass, x, pass.parameter(log_scale_), pass.parameter(shift_), inverse);
  }
  Mapped<T> by_context(Pass<T>& pass, Var<T> x, Var<T> context, bool inverse) const {
    const Mapped<T> m =
        autodiff::affine_map(pass.tape, x, conditioner_->raw(pass, context, {}), autodiff::Scale::softclip, inverse);
    return {m.value, Transform<T>::wanted(pass, m.log_det)};
  }
  static Mapped<T> joined(Pass<T>& pass, Mapped<T> last, Mapped<T> first) {
    return {last.value, autodiff::add(pass.tape, first.log_det, last.log_det)};
  }

  nn::Slot log_scale_, shift_;
  std::unique_ptr<nn::Conditioner<T>> conditioner_;  // null: the context does not matter
};

}  // namespace

TransformEntry act_norm_transform() {
  return transform_entry<ActNorm>(
      "act_norm", {{R"({"type": "act_norm"})", 3, 0},
                   {R"({"type": "act_norm", "context": true, "net": {"hidden": [6], "activation": "tanh"}})", 2, 2}});
}

}  // namespace flowfit::transforms
