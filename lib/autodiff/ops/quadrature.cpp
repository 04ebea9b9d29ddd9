// Gauss–Legendre quadrature on [0, 1]: Newton's method on the Legendre polynomial.
#include "autodiff/ops/quadrature.h"

#include <cmath>
#include <numbers>

namespace flowfit::autodiff {

Quadrature::Quadrature(int n) {
  for (int m = 0; m < n; ++m) {
    double x = -std::cos(std::numbers::pi * (m + 0.75) / (n + 0.5)), slope = 1;
    for (int round = 0; round < 20; ++round) {
      double before = 1, here = x;  // P_0 and P_1, then upwards
      for (int k = 2; k <= n; ++k) {
        const double next = ((2 * k - 1) * x * here - (k - 1) * before) / k;
        before = here;
        here = next;
      }
      slope = n * (x * here - before) / (x * x - 1);
      const double step = here / slope;
      x -= step;
      if (std::abs(step) < 1e-15) break;
    }
    nodes.push_back((1 + x) / 2);
    weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
}

}  // namespace flowfit::autodiff
