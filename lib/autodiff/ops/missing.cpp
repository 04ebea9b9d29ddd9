// Masked sums, and normals by the Cholesky factor of a part of their covariance, row by row.
#include "autodiff/ops/missing.h"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <numbers>

namespace flowfit::autodiff {

template <class T>
Present<T> present(Tape<T>& tape, Var<T> x) {
  const Present<T> p{tape.make(x.rows, x.cols, x.wants_grad()), tape.make(x.rows, x.cols, false)};
  for (Index i = 0; i < x.rows * x.cols; ++i) {
    const bool there = !std::isnan(x.value[i]);
    p.there.value[i] = there ? T(1) : T(0);
    p.x.value[i] = there ? x.value[i] : T(0);
  }
  if (p.x.wants_grad()) tape.on_backward([=] { x.adj_array() += p.there.val_array() * p.x.adj_array(); });
  return p;
}

template <class T>
Var<T> sum_present(Tape<T>& tape, Var<T> terms, Var<T> there) {
  const Var<T> y = tape.make(terms.rows, 1, terms.wants_grad());
  const auto is_there = [=](Index j) { return there.val_array().col(j) != T(0); };
  y.val().setZero();
  for (Index j = 0; j < terms.cols; ++j) y.val_array().col(0) += is_there(j).select(terms.val_array().col(j), T(0));
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index j = 0; j < terms.cols; ++j) terms.adj_array().col(j) += is_there(j).select(y.adj_array().col(0), T(0));
    });
  }
  return y;
}

namespace {

/// One row's cells that are there: their covariance's factor, and what it makes of their distance from the mean.
class Marginal {
 public:
  template <class T>
  Marginal(Tape<T>& tape, Index columns)
      : columns_(tape.template scratch<Index>(columns)),
        factor_(tape.template scratch<double>(columns * columns)),
        solved_(tape.template scratch<double>(columns)) {}

  using Matrix = Eigen::Map<Eigen::MatrixXd>;
  Index size() const { return size_; }
  Index column(Index a) const { return columns_[a]; }
  /// Cholesky's factor of the covariance, below and on its diagonal.
  Matrix factor() const { return {factor_, size_, size_}; }
  double solved(Index a) const { return solved_[a]; }  ///< of covariance⁻¹·(x − loc)

  /// L's entry at a column that is there.
  template <class T>
  double lower(const NormalFactor<T>& f, Index a, Index j) const {
    const Index i = columns_[a];
    if (j == i) return std::exp(static_cast<double>(f.log_diagonal.value[i]));
    return j > i || f.lower.empty() ? 0.0 : static_cast<double>(f.lower.value[i * (i - 1) / 2 + j]);
  }

  /// Takes a row, and returns its log density.
  template <class T>
  double set(const NormalFactor<T>& f, Var<T> x, Var<T> there, Index row) {
    size_ = 0;
    for (Index j = 0; j < x.cols; ++j)
      if (there.value[j * x.rows + row] != T(0)) columns_[size_++] = j;
    if (!set_factor(f)) return -std::numeric_limits<double>::infinity();
    for (Index a = 0; a < size_; ++a) {
      const Index i = columns_[a];
      solved_[a] = static_cast<double>(x.value[i * x.rows + row]) - static_cast<double>(f.loc.value[i]);
    }
    Eigen::Map<Eigen::VectorXd> z(solved_, size_);
    const auto lower_part = factor().template triangularView<Eigen::Lower>();
    lower_part.solveInPlace(z);
    double log_p = -0.5 * (std::log(2 * std::numbers::pi) * static_cast<double>(size_) + z.squaredNorm());
    for (Index a = 0; a < size_; ++a) log_p -= std::log(factor()(a, a));
    lower_part.transpose().solveInPlace(z);
    return log_p;
  }

 private:
  /// False where two columns are so close to each other that their covariance has no factor in these numbers.
  template <class T>
  bool set_factor(const NormalFactor<T>& f) {
    Matrix covariance = factor();
    // The first columns have the first rows of L: no need to square them, and to lose half of the digits.
    const bool leading = size_ == 0 || columns_[size_ - 1] == size_ - 1;
    for (Index a = 0; a < size_; ++a) {
      for (Index b = 0; b <= a; ++b) {
        double sum = leading ? lower(f, a, b) : 0;
        for (Index j = 0; !leading && j <= columns_[b]; ++j) sum += lower(f, a, j) * lower(f, b, j);
        covariance(a, b) = sum;
      }
    }
    if (leading) return true;
    Eigen::Ref<Eigen::MatrixXd> in_place(covariance);
    return Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>>(in_place).info() == Eigen::Success;
  }

  Index size_ = 0;
  Index* columns_;
  double *factor_, *solved_;
};

}  // namespace

template <class T>
void normal_log_prob_present(Tape<T>& tape, const NormalFactor<T>& f, Var<T> x, Var<T> there, Var<T> y) {
  {
    Marginal marginal(tape, x.cols);
    for (Index i = 0; i < x.rows; ++i) y.value[i] = static_cast<T>(marginal.set(f, x, there, i));
  }
  if (!y.wants_grad() || !(x.wants_grad() || f.loc.wants_grad())) return;
  Tape<T>* const again = &tape;
  tape.on_backward([=] {
    Marginal m(*again, x.cols);
    double* const inverse_of = again->template scratch<double>(x.cols * x.cols);
    for (Index i = 0; i < x.rows; ++i) {
      const double g = static_cast<double>(y.adjoint[i]);
      if (g == 0 || std::isinf(m.set(f, x, there, i))) continue;
      for (Index a = 0; a < m.size(); ++a) {
        const T pull = static_cast<T>(g * m.solved(a));
        if (x.wants_grad()) x.adjoint[m.column(a) * x.rows + i] -= pull;
        if (f.loc.wants_grad()) f.loc.adjoint[m.column(a)] += pull;
      }
      if (!f.loc.wants_grad()) continue;
      // d log p / d Σ = (s·sᵀ − Σ⁻¹) / 2, s = Σ⁻¹·(x − loc), and Σ = L·Lᵀ.
      Marginal::Matrix inverse(inverse_of, m.size(), m.size());
      inverse.setIdentity();
      m.factor().template triangularView<Eigen::Lower>().solveInPlace(inverse);
      m.factor().template triangularView<Eigen::Lower>().transpose().solveInPlace(inverse);
      for (Index a = 0; a < m.size(); ++a) {
        const Index row = m.column(a);
        for (Index j = 0; j <= row; ++j) {
          double sum = 0;
          for (Index b = 0; b < m.size(); ++b) sum += (m.solved(a) * m.solved(b) - inverse(a, b)) * m.lower(f, b, j);
          if (j == row)
            f.log_diagonal.adjoint[row] += static_cast<T>(g * sum * m.lower(f, a, row));
          else if (!f.lower.empty())
            f.lower.adjoint[row * (row - 1) / 2 + j] += static_cast<T>(g * sum);
        }
      }
    }
  });
}

#define FLOWFIT_INSTANTIATE(T)                              \
  template Present<T> present<T>(Tape<T>&, Var<T>);         \
  template Var<T> sum_present<T>(Tape<T>&, Var<T>, Var<T>); \
  template void normal_log_prob_present<T>(Tape<T>&, const NormalFactor<T>&, Var<T>, Var<T>, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
