// act_norm: a learned scale and shift of each column, set so that the training data arrives at the base side standardized.
//
// Kingma, Dhariwal, "Glow", NeurIPS 2018, §3.1, but from all training rows, once, when training begins. x = z·exp(log_scale) + shift. A constant column gets
// scale 1. Parameters: `log_scale` (D), `shift` (D).
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class ActNorm final : public Transform<T> {
 public:
  ActNorm(const config::Node&, const Build& build)
      : Transform<T>(build),
        log_scale_(build.layout.vector(build.name + ".log_scale", {build.features}, nn::zeros())),
        shift_(build.layout.vector(build.name + ".shift", {build.features}, nn::zeros())) {}

  bool needs_initialize() const override { return true; }
  void initialize(std::span<T> parameters, std::span<const T> rows, Index n) const override {
    for (Index d = 0; d < this->features(); ++d) {
      const T* column = rows.data() + d * n;
      double mean = 0, variance = 0;
      for (Index i = 0; i < n; ++i) mean += static_cast<double>(column[i]);
      mean /= static_cast<double>(n);
      for (Index i = 0; i < n; ++i) variance += (static_cast<double>(column[i]) - mean) * (static_cast<double>(column[i]) - mean);
      variance /= static_cast<double>(n);
      const bool usable = std::isfinite(variance) && variance > 1e-12 * (1 + mean * mean);
      parameters[static_cast<std::size_t>(log_scale_.offset + d)] = usable ? static_cast<T>(0.5 * std::log(variance)) : T(0);
      parameters[static_cast<std::size_t>(shift_.offset + d)] = std::isfinite(mean) ? static_cast<T>(mean) : T(0);
    }
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    return autodiff::scale_shift(pass.tape, x, pass.parameter(log_scale_), pass.parameter(shift_), false);
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    return autodiff::scale_shift(pass.tape, y, pass.parameter(log_scale_), pass.parameter(shift_), true);
  }

 private:
  nn::Slot log_scale_, shift_;
};

}  // namespace

TransformEntry act_norm_transform() { return transform_entry<ActNorm>("act_norm", {{R"({"type": "act_norm"})", 3, 0}}); }

}  // namespace flowfit::transforms
