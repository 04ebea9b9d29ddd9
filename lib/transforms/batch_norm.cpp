// batch_norm: each column standardized, on its way to the base, by running statistics of what has arrived there; then a learned scale and shift.
//
// Ioffe, Szegedy, "Batch Normalization", ICML 2015; in flows: Dinh, Sohl-Dickstein, Bengio, "Density Estimation Using Real NVP", ICLR 2017, §3.7, and Papamakarios
// et al., "Masked Autoregressive Flow", NeurIPS 2017. z = (x − mean) / √(variance + epsilon) · exp(log_scale) + shift. The peers normalize a training batch by its own
// statistics, so that its rows are not independent and training scores differ from those of the model. Here a step uses those of the steps before it, as constants:
// no gradient goes through them. They begin as those of all training rows, each step moves them by `momentum`, and weights that are evaluated or saved have the exact
// ones of all training rows (training/trainer.h). Parameters: `log_scale`, `shift` (D each; not with "affine": false); buffers: `running_mean`,
// `running_variance` (D each).
#include <algorithm>
#include <cmath>

#include "autodiff/ops/elementwise.h"
#include "transforms/moments.h"

namespace flowfit::transforms {
namespace {

template <class T>
class BatchNorm final : public Transform<T> {
 public:
  BatchNorm(const config::Node& node, const Build& build)
      : Transform<T>(build),
        momentum_(node.number("momentum", 0.1, {.low = 0.0, .high = 1.0, .open_low = true})),
        epsilon_(node.number("epsilon", 1e-5, {.low = 1e-12, .high = 1.0})),
        affine_(node.boolean("affine", true)),
        mean_(build.layout.buffer(build.name + ".running_mean", {build.features}, nn::zeros())),
        variance_(build.layout.buffer(build.name + ".running_variance", {build.features},
                                      nn::values(std::vector<double>(static_cast<std::size_t>(build.features), 1.0)))),
        sums_(build.layout.reserve_sums(Index{2} * build.features)) {
    if (!affine_) return;
    log_scale_ = build.layout.vector(build.name + ".log_scale", {build.features}, nn::zeros());
    shift_ = build.layout.vector(build.name + ".shift", {build.features}, nn::zeros());
  }

  Links links() const override { return Links::each(static_cast<int>(this->features())); }
  bool needs_initialize() const override { return true; }
  bool keeps_statistics() const override { return true; }

  void initialize(std::span<T> parameters, std::span<const T> rows, Index n) const override {
    for (Index d = 0; d < this->features(); ++d) {
      const auto [mean, variance] = moments(rows.data() + d * n, n);
      set(parameters, d, mean, variance);
    }
  }

  void update_statistics(std::span<T> parameters, std::span<const double> sums, Index n) const override {
    for (Index d = 0; d < this->features(); ++d) {
      const double rows = static_cast<double>(n), off = sums[static_cast<std::size_t>(sums_ + 2 * d)] / rows,
                   square = sums[static_cast<std::size_t>(sums_ + 2 * d + 1)] / rows;
      const double mean = static_cast<double>(parameters[static_cast<std::size_t>(mean_.offset + d)]),
                   variance = static_cast<double>(parameters[static_cast<std::size_t>(variance_.offset + d)]);
      // The variance of the mixture of what was known, with weight 1 − momentum, and the batch: that of the two means counts too, so small batches do no harm.
      const double within = (1 - momentum_) * variance + momentum_ * (square - off * off);
      set(parameters, d, mean + momentum_ * off, within + momentum_ * (1 - momentum_) * off * off);
    }
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    if (!affine_) return normalized(pass, x, false);
    const Mapped<T> own = Transform<T>::scaled(pass, x, pass.parameter(log_scale_), pass.parameter(shift_), true);
    return joined(pass, normalized(pass, own.value, false), own);
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    if (pass.sums) gather(pass, y);
    const Mapped<T> standard = normalized(pass, y, true);
    if (!affine_) return standard;
    return joined(pass, Transform<T>::scaled(pass, standard.value, pass.parameter(log_scale_), pass.parameter(shift_), false),
                  standard);
  }

 private:
  void set(std::span<T> parameters, Index d, double mean, double variance) const {
    if (!std::isfinite(static_cast<T>(mean)) || !std::isfinite(static_cast<T>(variance))) return;
    parameters[static_cast<std::size_t>(mean_.offset + d)] = static_cast<T>(mean);
    parameters[static_cast<std::size_t>(variance_.offset + d)] = static_cast<T>(std::max(variance, 0.0));
  }

  // x = z·√(variance + epsilon) + mean, or back. A constant column has variance 0: epsilon keeps the scale finite.
  Mapped<T> normalized(Pass<T>& pass, Var<T> x, bool inverse) const {
    const Var<T> variance = pass.buffer(variance_), log_scale = pass.tape.make(1, x.cols, false);
    for (Index d = 0; d < x.cols; ++d)
      log_scale.value[d] = static_cast<T>(0.5 * std::log(std::max(static_cast<double>(variance.value[d]), 0.0) + epsilon_));
    return Transform<T>::scaled(pass, x, log_scale, pass.buffer(mean_), inverse);
  }

  // Sums of the distance to the running mean and of its square: no digits are lost to a mean far from zero.
  void gather(Pass<T>& pass, Var<T> x) const {
    const T* mean = pass.buffer(mean_).value;
    for (Index d = 0; d < x.cols; ++d) {
      double sum = 0, square = 0;
      for (Index i = 0; i < pass.counted; ++i) {
        const double off = static_cast<double>(x.value[d * x.rows + i]) - static_cast<double>(mean[d]);
        sum += off;
        square += off * off;
      }
      pass.sums[sums_ + 2 * d] += sum;
      pass.sums[sums_ + 2 * d + 1] += square;
    }
  }

  static Mapped<T> joined(Pass<T>& pass, Mapped<T> last, Mapped<T> first) {
    return {last.value, autodiff::add(pass.tape, first.log_det, last.log_det)};
  }

  double momentum_, epsilon_;
  bool affine_;
  nn::Slot mean_, variance_, log_scale_, shift_;
  Index sums_;  // in Pass::sums
};

}  // namespace

TransformEntry batch_norm_transform() {
  return transform_entry<BatchNorm>("batch_norm", {{R"({"type": "batch_norm"})", 3, 0},
                                                   {R"({"type": "batch_norm", "affine": false, "epsilon": 0.01})", 2, 0},
                                                   {R"({"type": "batch_norm", "momentum": 1})", 1, 0}});
}

}  // namespace flowfit::transforms
