// y = M·x with a matrix that is known when the config is read: the transform, and where intervals go.
#pragma once

#include <algorithm>
#include <vector>

#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/matrix_map.h"
#include "transforms/transform.h"

namespace flowfit::transforms {

using Square = autodiff::Matrix<double>;

/// y = loc + M·x and its inverse. M is D x D; log_det is log|det M|.
template <class T>
class FixedMatrix : public Transform<T> {
 public:
  Support image(const Support& in) const override { return reach(there_, in, loc_); }
  // x = M⁻¹·y − M⁻¹·loc.
  Support preimage(const Support& out) const override { return reach(back_, out, -(back_ * loc_)); }

 protected:
  /// `back` is M⁻¹. An empty `loc` is 0.
  FixedMatrix(const Build& build, const Square& there, const Square& back, double log_det, const std::vector<double>& loc = {})
      : Transform<T>(build),
        there_(there),
        back_(back),
        loc_(Eigen::VectorXd::Zero(there.rows())),
        shift_(loc.begin(), loc.end()),
        matrix_(there.cast<T>()),
        inverse_(back.cast<T>()),
        log_det_(static_cast<T>(log_det)) {
    std::ranges::copy(loc, loc_.begin());
  }
  Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T>) const override {
    return {shifted(pass, autodiff::matrix_map(pass.tape, x, matrix_), false),
            autodiff::constant(pass.tape, x.rows, 1, log_det_)};
  }
  Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T>) const override {
    return {autodiff::matrix_map(pass.tape, shifted(pass, y, true), inverse_),
            autodiff::constant(pass.tape, y.rows, 1, -log_det_)};
  }

 private:
  Var<T> shifted(Pass<T>& pass, Var<T> x, bool inverse) const {
    if (shift_.empty()) return x;
    const Var<T> by{const_cast<T*>(shift_.data()), nullptr, 1, x.cols};
    return autodiff::scale_shift(pass.tape, x, Var<T>{}, by, inverse).value;
  }

  // The hull over the outputs m·x + offset when every column of x lives in `from`.
  static Support reach(const Square& m, const Support& from, const Eigen::VectorXd& offset) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Support hull{infinity, -infinity};
    for (Index i = 0; i < m.rows(); ++i) {
      Support one{offset(i), offset(i)};
      for (Index j = 0; j < m.cols(); ++j) {
        const double w = m(i, j);
        if (w == 0) continue;  // times infinity it is still nothing
        one.low += w * (w > 0 ? from.low : from.high);
        one.high += w * (w > 0 ? from.high : from.low);
      }
      hull = {std::min(hull.low, one.low), std::max(hull.high, one.high)};
    }
    return hull;
  }

  Square there_, back_;
  Eigen::VectorXd loc_;
  std::vector<T> shift_;
  autodiff::Matrix<T> matrix_, inverse_;
  T log_det_;
};

}  // namespace flowfit::transforms
