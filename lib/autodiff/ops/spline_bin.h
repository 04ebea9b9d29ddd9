// One bin of a rational spline, in coordinates t, u from its lower left knot: the formulas and their adjoints, free of branches.
#pragma once

#include <algorithm>
#include <cmath>

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

template <class T>
struct BinAdjoint {
  T t, w, h, d0, d1, lambda;
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

  /// Adjoints from those of u (gu) and of log u' (gl).
  template <class T>
  static BinAdjoint<T> adjoint(const Bin<T>& b, T t, T gu, T gl) {
    const T theta = t / b.w, s = b.h / b.w, r = T(1) - theta, q = theta * r, dq = T(1) - T(2) * theta;
    const T m = b.d0 + b.d1 - T(2) * s;
    const T den = s + m * q, a = s * theta * theta + b.d0 * q;
    const T n = b.d1 * theta * theta + T(2) * s * q + b.d0 * r * r;
    const T g_a = gu * b.h / den, g_den = -(gu * b.h * a / den + T(2) * gl) / den, g_n = gl / n;
    const T g_s = T(2) * gl / s + g_a * theta * theta + g_den * (T(1) - T(2) * q) + g_n * T(2) * q;
    const T g_theta = g_a * (T(2) * s * theta + b.d0 * dq) + g_den * m * dq + g_n * T(2) * (b.d1 * theta + s * dq - b.d0 * r);
    return {g_theta / b.w,
            -(g_theta * theta + g_s * s) / b.w,
            gu * a / den + g_s / b.w,
            g_a * q + g_den * q + g_n * r * r,
            g_den * q + g_n * theta * theta,
            T(0)};
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
  static BinAdjoint<T> adjoint(const Bin<T>& b, T t, T gu, T gl) {
    const Middle<T> k = middle(b);
    const T theta = t / b.w, l = b.lambda;
    const bool left = theta <= l;
    const T right_theta = T(1) - theta, over = theta - l, rest = b.h - k.e;
    const T num = left ? k.c * k.e * theta : k.c * k.e * right_theta + k.r * b.h * over;
    const T den = left ? (l - theta) + k.c * theta : k.c * right_theta + k.r * over;
    const T g_num = gu / den, g_den = -(gu * num / den + T(2) * gl) / den;
    const T share = left ? theta : right_theta;
    const T g_c = g_num * k.e * share + g_den * share + gl / k.c;
    const T g_e = g_num * k.c * share + (left ? gl / k.e : -gl / rest);
    const T g_r_direct = left ? T(0) : g_num * b.h * over + g_den * over + gl / k.r;
    const T g_lambda_direct = left ? g_den + gl / l : -g_num * k.r * b.h - g_den * k.r - gl / (T(1) - l);
    const T g_h_direct = left ? T(0) : g_num * k.r * over + gl / rest;
    const T g_theta = left ? g_num * k.c * k.e + g_den * (k.c - T(1)) : g_num * (k.r * b.h - k.c * k.e) + g_den * (k.r - k.c);
    const T g_r = g_r_direct + g_e * k.e * (T(1) / k.r - l / k.m) + g_c * (T(1) - l) * b.d1 / k.s;
    const T g_s = -g_c * k.c / k.s;
    return {g_theta / b.w,
            -(g_theta * theta + gl + g_s * k.s) / b.w,
            g_h_direct + g_e * k.e / b.h + g_s / b.w,
            g_c * l / k.s + g_r * k.r / (T(2) * b.d0),
            g_c * (T(1) - l) * k.r / k.s - g_r * k.r / (T(2) * b.d1),
            g_lambda_direct + g_e * k.e * (T(1) / l - (k.r - T(1)) / k.m) + g_c * (b.d0 - k.r * b.d1) / k.s};
  }
};

}  // namespace flowfit::autodiff
