// permutation: reorders the columns; log-det 0. "order": "reverse", "random" or a list (column i of the output is column order[i] of the input).
#include "autodiff/ops/elementwise.h"
#include "transforms/order.h"
#include "transforms/transform.h"

namespace flowfit::transforms {
namespace {

template <class T>
class Permutation final : public Transform<T> {
 public:
  Permutation(const config::Node& node, const Build& build)
      : Transform<T>(build), order_(read_order(node, "random", build)), where_(inverse_order(order_)) {}
  Links links() const override { return Links::reordered(where_); }
  Support image(const Support& in) const override { return in; }
  Support preimage(const Support& out) const override { return out; }

 protected:
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    return {autodiff::gather_columns(pass.tape, x, order_), none(pass, x.rows)};
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    return {autodiff::gather_columns(pass.tape, y, where_), none(pass, y.rows)};
  }

 private:
  Var<T> none(Pass<T>& pass, Index rows) const {
    return autodiff::constant(pass.tape, rows, pass.by_column ? this->features() : 1, T(0));
  }
  std::vector<int> order_, where_;
};

}  // namespace

TransformEntry permutation_transform() {
  return transform_entry<Permutation>("permutation", {{R"({"type": "permutation"})", 4, 0},
                                                      {R"({"type": "permutation", "order": [2, 0, 1]})", 3, 0},
                                                      {R"({"type": "permutation", "order": "reverse"})", 2, 0}});
}

}  // namespace flowfit::transforms
