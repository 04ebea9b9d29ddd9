// A fixed matrix times every row.
#include "autodiff/ops/matrix_map.h"

#include <algorithm>

#include "autodiff/ops/gemm.h"

namespace flowfit::autodiff {

template <class T>
Var<T> matrix_map(Tape<T>& tape, Var<T> x, const Matrix<T>& m) {
  const Var<T> y = tape.make(x.rows, m.rows(), x.wants_grad());
  const Block<const T> matrix{m.data(), m.rows(), m.cols(), m.rows()};
  std::fill_n(y.value, y.size(), T(0));
  multiply_transposed_right<T>({x.value, x.rows, x.cols, x.rows}, matrix, {y.value, y.rows, y.cols, y.rows});
  if (y.wants_grad()) {
    tape.on_backward([=] {
      multiply<T>({y.adjoint, y.rows, y.cols, y.rows}, matrix, {x.adjoint, x.rows, x.cols, x.rows}, true);
    });
  }
  return y;
}

template Var<float> matrix_map<float>(Tape<float>&, Var<float>, const Matrix<float>&);
template Var<double> matrix_map<double>(Tape<double>&, Var<double>, const Matrix<double>&);

}  // namespace flowfit::autodiff
