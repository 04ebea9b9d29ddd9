// One bin of a spline, in coordinates t, u from its lower left knot: the formulas and their adjoints, free of branches.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowfit::autodiff {

/// A bin of width w and height h with slopes d0, d1 at its ends; `lambda` is the place of the inner knot of rational_linear.
template <class T>
struct Bin {
  T w, h, d0, d1, lambda;
};

/// u(t) and u'(t).
template <class T>
struct BinValue {
  T u, slope;
};

/// u'(t) and d log u'(t) / dt.
template <class T>
struct BinSlope {
  T slope, bend;
};

/// Adjoints of the bin's numbers at a fixed t; that of t itself is gu·u' + gl·(log u')'.
template <class T>
struct BinAdjoint {
  T w, h, d0, d1, lambda;
};

/// Monotone rational-quadratic bin (Durkan et al. 2019).
struct RationalQuadraticBin {
  template <class T>
  static BinValue<T> value(const Bin<T>& b, T t) {
    const T theta = t / b.w, s = b.h / b.w, q = theta * (T(1) - theta), r = T(1) - theta;
    const T den = s + (b.d0 + b.d1 - T(2) * s) * q;
    const T n = b.d1 * theta * theta + T(2) * s * q + b.d0 * r * r;
    return {b.h * (s * theta * theta + b.d0 * q) / den, s * s * n / (den * den)};
  }

  /// t with u(t) = u: the root written as 2c / (−b − √disc), which does not cancel.
  template <class T>
  static T solve(const Bin<T>& b, T u) {
    const T s = b.h / b.w, m = b.d0 + b.d1 - T(2) * s;
    const T qa = b.h * (s - b.d0) + u * m, qb = b.h * b.d0 - u * m, qc = -s * u;
    const T disc = std::max(qb * qb - T(4) * qa * qc, T(0));
    const T theta = T(2) * qc / (-qb - std::sqrt(disc));
    return std::min(std::max(theta, T(0)), T(1)) * b.w;
  }

  template <class T>
  static BinSlope<T> slope(const Bin<T>& b, T t) {
    const T per_w = T(1) / b.w, theta = t * per_w, s = b.h * per_w, r = T(1) - theta, q = theta * r, dq = T(1) - T(2) * theta;
    const T m = b.d0 + b.d1 - T(2) * s, per_den = T(1) / (s + m * q);
    const T n = b.d1 * theta * theta + T(2) * s * q + b.d0 * r * r;
    const T dn = T(2) * (b.d1 * theta + s * dq - b.d0 * r);
    return {s * s * n * per_den * per_den, (dn / n - T(2) * m * dq * per_den) * per_w};
  }

  /// From those of u (gu) and of log u' (gl). Divisions are dear: each reciprocal is taken once.
  template <class T>
  static BinAdjoint<T> adjoint(const Bin<T>& b, T t, T gu, T gl) {
    const T per_w = T(1) / b.w, theta = t * per_w, s = b.h * per_w, r = T(1) - theta, q = theta * r, dq = T(1) - T(2) * theta;
    const T m = b.d0 + b.d1 - T(2) * s;
    const T per_den = T(1) / (s + m * q), a = s * theta * theta + b.d0 * q;
    const T n = b.d1 * theta * theta + T(2) * s * q + b.d0 * r * r;
    const T scaled = gu * per_den, g_a = scaled * b.h, g_den = -(g_a * a + T(2) * gl) * per_den, g_n = gl / n;
    const T g_s = T(2) * gl * b.w / b.h + g_a * theta * theta + g_den * (T(1) - T(2) * q) + g_n * T(2) * q;
    const T g_theta = g_a * (T(2) * s * theta + b.d0 * dq) + g_den * m * dq + g_n * T(2) * (b.d1 * theta + s * dq - b.d0 * r);
    return {-(g_theta * theta + g_s * s) * per_w, scaled * a + g_s * per_w, (g_a + g_den) * q + g_n * r * r,
            g_den * q + g_n * theta * theta, T(0)};
  }
};

/// A cubic in Hermite form, increasing for slopes up to three times h/w.
struct CubicBin {
  template <class T>
  struct Terms {
    T theta, s, square, cube;  // u = w·(d0·θ + square·θ² + cube·θ³)
  };
  template <class T>
  static Terms<T> terms(const Bin<T>& b, T t) {
    const T s = b.h / b.w, cube = b.d0 + b.d1 - T(2) * s;
    return {t / b.w, s, s - b.d0 - cube, cube};
  }

  template <class T>
  static BinValue<T> value(const Bin<T>& b, T t) {
    const Terms<T> k = terms(b, t);
    return {t * (b.d0 + k.theta * (k.square + k.theta * k.cube)), slope_of(b, k)};
  }

  /// t with u(t) = u: Newton steps inside a bracket, bisection where a step leaves it or does not halve it.
  template <class T>
  static T solve(const Bin<T>& b, T u) {
    constexpr int most_rounds = 100;
    T low = 0, high = b.w, t = u / b.h * b.w, width = b.w;
    for (int round = 0; round < most_rounds; ++round) {
      const BinValue<T> v = value(b, t);
      const T error = v.u - u;
      if (error == T(0)) break;
      (error < T(0) ? low : high) = t;
      T next = t - error / v.slope;
      if (!(next > low && next < high && std::abs(next - t) <= width / T(2))) next = low + (high - low) / T(2);
      width = std::abs(next - t);
      if (next == t) break;
      t = next;
      if (width <= std::numeric_limits<T>::epsilon() * t) break;
    }
    return t;
  }

  template <class T>
  static BinSlope<T> slope(const Bin<T>& b, T t) {
    const Terms<T> k = terms(b, t);
    const T slope = slope_of(b, k);
    return {slope, (T(2) * k.square + T(6) * k.cube * k.theta) / (b.w * slope)};
  }

  template <class T>
  static BinAdjoint<T> adjoint(const Bin<T>& b, T t, T gu, T gl) {
    const Terms<T> k = terms(b, t);
    const T theta = k.theta, square = theta * theta, g_slope = gl / slope_of(b, k);
    const T g_s = (gu * b.w * theta * (T(3) - T(2) * theta) + g_slope * T(6) * (T(1) - theta)) * theta;
    // t stays where it is while w changes θ = t/w.
    const T g_w =
        -gu * square * (k.square + T(2) * k.cube * theta) - g_slope * theta * (T(2) * k.square + T(6) * k.cube * theta) / b.w;
    const T rest = T(1) - theta;
    return {g_w - g_s * k.s / b.w, g_s / b.w, gu * b.w * theta * rest * rest + g_slope * rest * (T(1) - T(3) * theta),
            -gu * b.w * square * rest + g_slope * theta * (T(3) * theta - T(2)), T(0)};
  }

 private:
  template <class T>
  static T slope_of(const Bin<T>& b, const Terms<T>& k) {
    // Rounding must not make it nothing where it comes close.
    const T least = std::numeric_limits<T>::epsilon() * k.s;
    return std::max(b.d0 + k.theta * (T(2) * k.square + T(3) * k.cube * k.theta), least);
  }
};

/// Monotone linear-rational bin: two linear-rational pieces that meet at the inner knot λ (Dolatabadi et al. 2020), with the
/// weights of the two ends 1 and r = √(d0/d1).
struct RationalLinearBin {
  template <class T>
  struct Middle {
    T r, c, e, m, s;  // weight of the right end; weight and height of the inner knot; a denominator; h / w
  };
  template <class T>
  static Middle<T> middle(const Bin<T>& b) {
    const T r = std::sqrt(b.d0 / b.d1), s = b.h / b.w, m = (T(1) - b.lambda) + b.lambda * r;
    return {r, (b.lambda * b.d0 + (T(1) - b.lambda) * r * b.d1) / s, b.lambda * r * b.h / m, m, s};
  }

  template <class T>
  static BinValue<T> value(const Bin<T>& b, T t) {
    const Middle<T> k = middle(b);
    const T theta = t / b.w, l = b.lambda;
    const bool left = theta <= l;
    const T num = left ? k.c * k.e * theta : k.c * k.e * (T(1) - theta) + k.r * b.h * (theta - l);
    const T den = left ? (l - theta) + k.c * theta : k.c * (T(1) - theta) + k.r * (theta - l);
    const T top = left ? k.c * l * k.e : k.r * k.c * (T(1) - l) * (b.h - k.e);
    return {num / den, top / (den * den * b.w)};
  }

  template <class T>
  static T solve(const Bin<T>& b, T u) {
    const Middle<T> k = middle(b);
    const T l = b.lambda;
    const bool left = u <= k.e;
    const T low = k.c * (k.e - u), high = k.r * (b.h - u);
    const T num = left ? u * l : low - l * high;
    const T den = left ? low + u : low - high;
    const T theta = num / den;
    return std::min(std::max(theta, T(0)), T(1)) * b.w;
  }

  template <class T>
  static BinSlope<T> slope(const Bin<T>& b, T t) {
    const Middle<T> k = middle(b);
    const T per_w = T(1) / b.w, theta = t * per_w, l = b.lambda;
    const bool left = theta <= l;
    const T den = left ? (l - theta) + k.c * theta : k.c * (T(1) - theta) + k.r * (theta - l);
    const T top = left ? k.c * l * k.e : k.r * k.c * (T(1) - l) * (b.h - k.e);
    const T per_den = T(1) / den;
    return {top * per_den * per_den * per_w, T(-2) * (left ? k.c - T(1) : k.r - k.c) * per_den * per_w};
  }

  template <class T>
  static BinAdjoint<T> adjoint(const Bin<T>& b, T t, T gu, T gl) {
    // Divisions are dear: each reciprocal is taken once.
    const T per_w = T(1) / b.w, per_h = T(1) / b.h, per_d0 = T(1) / b.d0, per_d1 = T(1) / b.d1;
    const T l = b.lambda, rest_l = T(1) - l, per_ll = T(1) / (l * rest_l), per_l = rest_l * per_ll, per_rest_l = l * per_ll;
    const T r = std::sqrt(b.d0 * per_d1), per_r = r * b.d1 * per_d0, per_s = b.w * per_h;
    const T m = rest_l + l * r, per_m = T(1) / m;
    const T c = (l * b.d0 + rest_l * r * b.d1) * per_s, per_c = T(1) / c, e = l * r * b.h * per_m;
    const T theta = t * per_w, right_theta = T(1) - theta, over = theta - l;
    const bool left = theta <= l;
    const T per_e = m * per_l * per_r * per_h, per_rest = m * per_rest_l * per_h;  // 1/e, 1/(h − e)
    const T num = left ? c * e * theta : c * e * right_theta + r * b.h * over;
    const T den = left ? (l - theta) + c * theta : c * right_theta + r * over;
    const T per_den = T(1) / den, g_num = gu * per_den, g_den = -(g_num * num + T(2) * gl) * per_den;
    const T share = left ? theta : right_theta;
    const T g_c = (g_num * e + g_den) * share + gl * per_c;
    const T g_e = g_num * c * share + (left ? gl * per_e : -gl * per_rest);
    const T g_r_direct = left ? T(0) : (g_num * b.h + g_den) * over + gl * per_r;
    const T g_lambda_direct = left ? g_den + gl * per_l : -(g_num * b.h + g_den) * r - gl * per_rest_l;
    const T g_h_direct = left ? T(0) : g_num * r * over + gl * per_rest;
    const T g_theta = left ? g_num * c * e + g_den * (c - T(1)) : g_num * (r * b.h - c * e) + g_den * (r - c);
    const T g_r = g_r_direct + g_e * e * (per_r - l * per_m) + g_c * rest_l * b.d1 * per_s;
    const T g_s = -g_c * c * per_s, half_r = T(0.5) * g_r * r;
    return {-(g_theta * theta + gl - g_c * c) * per_w, g_h_direct + g_e * e * per_h + g_s * per_w,
            g_c * l * per_s + half_r * per_d0, g_c * rest_l * r * per_s - half_r * per_d1,
            g_lambda_direct + g_e * e * (per_l - (r - T(1)) * per_m) + g_c * (b.d0 - r * b.d1) * per_s};
  }
};

}  // namespace flowfit::autodiff
