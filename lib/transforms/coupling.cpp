// coupling: some columns pass (the identity half), and with the context they decide the univariates of the others.
//
// Dinh et al. 2014, 2017; Durkan et al. 2019. `identity_half` gives the columns that pass a univariate of their own, free or from the context, as Pyro's
// spline_coupling does; the network sees them on the base side of it, in both directions. Parameters: `net.…`, `identity_half.raw` or `identity_half.net.…`.
#include <numeric>

#include "autodiff/ops/elementwise.h"
#include "nn/conditioner.h"
#include "transforms/transform.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {
namespace {

struct Halves {
  std::vector<int> passes, changes;
};

/// "half": the first ⌊D/2⌋ columns pass; "alternate": columns 0, 2, 4, … pass; a list: these columns pass.
Halves read_mask(const config::Node& node, int features, int context) {
  std::vector<bool> passes(static_cast<std::size_t>(features), false);
  if (node.member("mask").is_array()) {
    for (const int column : node.integers("mask", {}, 0, std::max(features - 1, 0)))
      passes[static_cast<std::size_t>(column)] = true;
  } else {
    const bool half = node.choice("mask", "half", {"half", "alternate"}) == "half";
    for (int d = 0; d < features; ++d)
      passes[static_cast<std::size_t>(d)] = half ? d < features / 2 : (d % 2 == 0 && features > 1);
  }
  Halves halves;
  for (int d = 0; d < features; ++d) (passes[static_cast<std::size_t>(d)] ? halves.passes : halves.changes).push_back(d);
  if (halves.changes.empty() || (halves.passes.empty() && context == 0)) {
    node.member("mask").error("a coupling needs columns that pass (or context) and columns that change",
                              "for one column use \"elementwise\" or add context");
    halves = {{}, std::vector<int>(static_cast<std::size_t>(features))};
    std::iota(halves.changes.begin(), halves.changes.end(), 0);
  }
  return halves;
}

template <class T>
class Coupling final : public Transform<T> {
 public:
  Coupling(const config::Node& node, const Build& build)
      : Transform<T>(build),
        halves_(read_mask(node, build.features, build.context)),
        univariate_(make_univariate<T>(node.required("univariate"))),
        conditioner_(node, build.layout, build.name, build.context, static_cast<int>(halves_.passes.size()),
                     static_cast<int>(halves_.changes.size()), univariate_->initial()) {
    this->allow(univariate_->tolerance());
    const config::Node half = node.member("identity_half");
    if (!half.exists() || half.is_null()) return;
    if (halves_.passes.empty()) {
      half.error("no column passes here", "remove it");
      return;
    }
    // The half's own object is a univariate, and "net" beside it where there is context.
    (void)half.has("net");
    half_ = make_univariate<T>(half.has("univariate") ? half.member("univariate") : half);
    this->allow(half_->tolerance());
    half_conditioner_ = std::make_unique<nn::Conditioner<T>>(half, build.layout, build.name + ".identity_half", build.context, 0,
                                                             static_cast<int>(halves_.passes.size()), half_->initial());
    if (half.has("univariate")) half.finish();
  }

  Links links() const override {
    Links links = Links::each(static_cast<int>(this->features()));
    for (const int i : halves_.changes)
      for (const int j : halves_.passes) links.looks[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = true;
    return links;
  }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const override { return map(pass, x, context, false); }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const override { return map(pass, y, context, true); }

 private:
  Mapped<T> map(Pass<T>& pass, Var<T> in, Var<T> context, bool inverse) const {
    nn::Tape<T>& tape = pass.tape;
    const Var<T> passes = halves_.passes.empty() ? Var<T>{} : autodiff::gather_columns(tape, in, halves_.passes);
    const Var<T> changes = autodiff::gather_columns(tape, in, halves_.changes);
    Mapped<T> half{passes, {}};
    if (half_) {
      const Var<T> raw = half_conditioner_->raw(pass, context, {});
      half = inverse ? half_->inverse(pass, passes, raw) : half_->forward(pass, passes, raw);
    }
    const Var<T> raw = conditioner_.raw(pass, context, inverse ? half.value : passes);
    const Mapped<T> changed = inverse ? univariate_->inverse(pass, changes, raw) : univariate_->forward(pass, changes, raw);
    const Var<T> out = tape.make(in.rows, in.cols, changed.value.wants_grad() || half.value.wants_grad());
    if (!passes.empty()) autodiff::scatter_columns(tape, half.value, out, halves_.passes);
    autodiff::scatter_columns(tape, changed.value, out, halves_.changes);
    if (pass.by_column) return {out, by_column(pass, half, changed)};
    Var<T> log_det = autodiff::row_sum(tape, changed.log_det);
    if (half_) log_det = autodiff::add(tape, log_det, autodiff::row_sum(tape, half.log_det));
    return {out, log_det};
  }

  Var<T> by_column(Pass<T>& pass, const Mapped<T>& half, const Mapped<T>& changed) const {
    const Var<T> all =
        pass.tape.make(changed.value.rows, this->features(), changed.log_det.wants_grad() || half.log_det.wants_grad());
    all.val().setZero();
    if (half_) autodiff::scatter_columns(pass.tape, half.log_det, all, halves_.passes);
    autodiff::scatter_columns(pass.tape, changed.log_det, all, halves_.changes);
    return all;
  }

  Halves halves_;
  std::unique_ptr<Univariate<T>> univariate_, half_;
  nn::Conditioner<T> conditioner_;
  std::unique_ptr<nn::Conditioner<T>> half_conditioner_;
};

}  // namespace

TransformEntry coupling_transform() {
  return transform_entry<Coupling>(
      "coupling",
      {{R"({"type": "coupling", "univariate": UNIVARIATE, "net": {"hidden": [8, 8], "activation": "tanh"}})", 2, 0},
       {R"({"type": "coupling", "univariate": UNIVARIATE, "identity_half": UNIVARIATE, "net": {"hidden": [8], "activation": "elu"}})",
        2, 0},
       {R"({"type": "coupling", "univariate": UNIVARIATE, "mask": "alternate", "net": {"type": "residual", "hidden": [6, 6], "activation": "silu"}})",
        3, 2},
       {R"({"type": "coupling", "univariate": UNIVARIATE, "mask": [0, 3], "net": {"hidden": [], "activation": "tanh"}})", 4, 0}});
}

}  // namespace flowfit::transforms
