// Log densities column by column: each step is one vector operation over the rows of the block.
#include "autodiff/ops/densities.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace flowfit::autodiff {

ValueSlope log_gamma_half_step(double x) {
  // R(x) = Γ(x + ½)/Γ(x) = R(x + 1)·x/(x + ½) up to where Stirling's series holds to the last digit.
  double product = 1, slope = 0;
  for (; x < 16; x += 1) {
    product *= x / (x + 0.5);
    slope += 0.5 / (x * (x + 0.5));
  }
  const double r = 1 / x, r2 = r * r;
  const double series = r * (-1.0 / 8 + r2 * (1.0 / 192 + r2 * (-1.0 / 640 + r2 * (17.0 / 14336 + r2 * (-31.0 / 18432)))));
  const double slopes =
      r2 * (1.0 / 8 + r2 * (-3.0 / 192 + r2 * (5.0 / 640 + r2 * (-7 * 17.0 / 14336 + r2 * (9 * 31.0 / 18432)))));
  return {0.5 * std::log(x) + series + std::log(product), 0.5 * r + slopes + slope};
}

ValueSlope log_bessel_i0(double x) {
  double i0 = 1, i1 = 1, a = 1, b = 1;
  if (x < 30) {
    // Power series in x²/4; i1 is 2·I₁(x)/x.
    const double q = x * x / 4;
    for (int k = 1; a > 1e-17 * i0; ++k) {
      a *= q / (k * k);
      b *= q / (k * (k + 1.0));
      i0 += a;
      i1 += b;
    }
    return {std::log(i0) - x, x / 2 * i1 / i0 - 1};
  }
  // Hankel's expansion: Iν(x) = eˣ/√(2πx)·(1 − (4ν² − 1)/(8x) + …); 1 − I₁/I₀ from the difference of the two, term by term.
  double difference = 0;
  for (int k = 1; k <= 20; ++k) {
    const double odd = 2 * k - 1, step = 1 / (8 * x * k);
    a *= odd * odd * step;
    b *= (odd * odd - 4) * step;
    i0 += a;
    difference += b - a;
  }
  return {std::log(i0) - 0.5 * std::log(2 * std::numbers::pi * x), difference / i0};
}

namespace {

constexpr double gumbel_limit = 60;

// −log of the standard density but for a constant, and its slope.
template <class T, class In, class Out>
void exponent(Standard form, const In& z, Out&& y) {
  switch (form) {
    case Standard::laplace:
      y += z.abs();
      break;
    case Standard::logistic:
      y += z.abs() + T(2) * (-z.abs()).exp().log1p();
      break;
    case Standard::gumbel:
      y += z + (-z).min(T(gumbel_limit)).exp() * (T(1) + (-z - T(gumbel_limit)).max(T(0)));
      break;
  }
}
template <class T, class In, class Out>
void exponent_slope(Standard form, const In& z, Out&& y) {
  switch (form) {
    case Standard::laplace:
      y = z.sign();
      break;
    case Standard::logistic:
      y = (T(0.5) * z).tanh();
      break;
    case Standard::gumbel:
      y = T(1) - (-z).min(T(gumbel_limit)).exp();
      break;
  }
}

}  // namespace

template <class T>
Var<T> standard_log_prob(Tape<T>& tape, Standard form, Var<T> z) {
  const Var<T> y = tape.make(z.rows, 1, z.wants_grad());
  auto sum = y.val_array().col(0);
  sum.setZero();
  for (Index j = 0; j < z.cols; ++j) exponent<T>(form, z.val_array().col(j), sum);
  const double offset = form == Standard::laplace ? -std::log(2.0) * static_cast<double>(z.cols) : 0.0;
  sum = static_cast<T>(offset) - sum;
  if (y.wants_grad()) {
    T* slope = tape.scratch(z.rows);
    tape.on_backward([=] {
      Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>> s(slope, z.rows);
      for (Index j = 0; j < z.cols; ++j) {
        exponent_slope<T>(form, z.val_array().col(j), s);
        z.adj_array().col(j) -= s * y.adj_array().col(0);
      }
    });
  }
  return y;
}

template <class T>
Var<T> student_t_log_prob(Tape<T>& tape, Var<T> z, Var<T> log_df) {
  const Var<T> y = tape.make(z.rows, 1, z.wants_grad() || log_df.wants_grad());
  auto sum = y.val_array().col(0);
  sum.setZero();
  double* dfs = tape.template scratch<double>(z.cols);
  double* slopes = tape.template scratch<double>(z.cols);  // of the constant, by df
  double constant = 0;
  for (Index j = 0; j < z.cols; ++j) {
    const double df = std::clamp(std::exp(static_cast<double>(log_df.value[j])), student_t_least_df, student_t_most_df);
    const ValueSlope gammas = log_gamma_half_step(df / 2);
    constant += gammas.value - 0.5 * std::log(df * std::numbers::pi);
    dfs[j] = df;
    slopes[j] = 0.5 * gammas.slope - 0.5 / df;
    sum += static_cast<T>(0.5 * (df + 1)) * (z.val_array().col(j).square() * static_cast<T>(1 / df)).log1p();
  }
  sum = static_cast<T>(constant) - sum;
  if (y.wants_grad()) {
    T* square = tape.scratch(z.rows);
    tape.on_backward([=] {
      const auto g = y.adj_array().col(0);
      Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>> q(square, z.rows);
      for (Index j = 0; j < z.cols; ++j) {
        const double df = dfs[j];
        const auto in = z.val_array().col(j);
        q = in.square() * static_cast<T>(1 / df);
        if (z.wants_grad()) z.adj_array().col(j) -= g * static_cast<T>((df + 1) / df) * in / (T(1) + q);
        if (!log_df.wants_grad() || df == student_t_least_df || df == student_t_most_df) continue;
        // q / (1 + q), where q may have overflowed.
        const T half_step = static_cast<T>(0.5 * (df + 1) / df), rate = static_cast<T>(slopes[j]);
        const T slope = (g * (rate - T(0.5) * q.log1p() + half_step * (T(1) - (T(1) + q).inverse()))).sum();
        log_df.adjoint[j] += static_cast<T>(df) * slope;
      }
    });
  }
  return y;
}

template <class T>
Var<T> von_mises_log_prob(Tape<T>& tape, Var<T> z, Var<T> loc, Var<T> log_concentration) {
  const bool learns = loc.wants_grad() || log_concentration.wants_grad();
  const Var<T> y = tape.make(z.rows, 1, z.wants_grad() || learns);
  auto sum = y.val_array().col(0);
  sum.setZero();
  double* slopes = tape.template scratch<double>(z.cols);
  double constant = 0;
  for (Index j = 0; j < z.cols; ++j) {
    const double concentration = std::exp(static_cast<double>(log_concentration.value[j]));
    const ValueSlope bessel = log_bessel_i0(concentration);
    constant -= bessel.value + std::log(2 * std::numbers::pi);
    slopes[j] = bessel.slope;
    // κ(cos d − 1): no digits are lost where κ is large and d small.
    sum -= static_cast<T>(2 * concentration) * (T(0.5) * (z.val_array().col(j) - loc.value[j])).sin().square();
  }
  sum += static_cast<T>(constant);
  constexpr T end = std::numbers::pi_v<T>;
  for (Index j = 0; j < z.cols; ++j) {
    for (Index i = 0; i < z.rows; ++i) {
      if (!(std::abs(z.value[j * z.rows + i]) <= end)) y.value[i] = -std::numeric_limits<T>::infinity();
    }
  }
  if (y.wants_grad()) {
    tape.on_backward([=] {
      for (Index i = 0; i < z.rows; ++i) {
        if (std::isinf(y.value[i])) y.adjoint[i] = 0;
      }
      const auto g = y.adj_array().col(0);
      for (Index j = 0; j < z.cols; ++j) {
        const T concentration = std::exp(log_concentration.value[j]);
        const auto from_loc = z.val_array().col(j) - loc.value[j];
        if (z.wants_grad()) z.adj_array().col(j) -= g * concentration * from_loc.sin();
        if (loc.wants_grad()) loc.adjoint[j] += concentration * (g * from_loc.sin()).sum();
        if (log_concentration.wants_grad())
          log_concentration.adjoint[j] +=
              concentration * (g * (static_cast<T>(-slopes[j]) - T(2) * (T(0.5) * from_loc).sin().square())).sum();
      }
    });
  }
  return y;
}

#define FLOWFIT_INSTANTIATE(T)                                      \
  template Var<T> standard_log_prob<T>(Tape<T>&, Standard, Var<T>); \
  template Var<T> student_t_log_prob<T>(Tape<T>&, Var<T>, Var<T>);  \
  template Var<T> von_mises_log_prob<T>(Tape<T>&, Var<T>, Var<T>, Var<T>);
FLOWFIT_INSTANTIATE(float)
FLOWFIT_INSTANTIATE(double)

}  // namespace flowfit::autodiff
