// A univariate with one direction in closed form; the other is found by a search.
#pragma once

#include "autodiff/implicit.h"
#include "autodiff/ops/constraints.h"
#include "transforms/univariate.h"

namespace flowfit::transforms {

/// `Derived` has `auto prepare(Tape<T>&, Var<T> raw, Index rows) const`, the parameters from raw numbers, and
/// `Mapped<T> map(Tape<T>&, Var<T> x, const Prepared&) const`, increasing onto the line: B x D both. "direction" says which way that is: "scoring" (data → base, the
/// default: then training and scoring cost one evaluation) or "sampling" (base → data).
template <class T, class Derived>
class OneWay : public Univariate<T> {
 public:
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> raw) const final { return run(pass, x, raw, scores_); }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> raw) const final { return run(pass, y, raw, !scores_); }

 protected:
  explicit OneWay(const config::Node& node)
      : scores_(node.choice("direction", "scoring", {"scoring", "sampling"}) == "scoring") {}

 private:
  Mapped<T> run(Pass<T>& pass, Var<T> in, Var<T> raw, bool search) const {
    const auto& self = static_cast<const Derived&>(*this);
    autodiff::Tape<T>& tape = pass.tape;
    const auto prepared = self.prepare(tape, raw, in.rows);
    const auto map = [&](Var<T> x) { return self.map(tape, x, prepared); };
    return search ? autodiff::invert_increasing(tape, in, map) : map(in);
  }
  bool scores_;
};

}  // namespace flowfit::transforms
