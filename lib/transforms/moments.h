// Mean and variance of a column, summed in double.
#pragma once

#include "transforms/transform.h"

namespace flowfit::transforms {

struct Moments {
  double mean = 0, variance = 0;  ///< divisor n
};

template <class T>
Moments moments(const T* column, Index n) {
  Moments m;
  for (Index i = 0; i < n; ++i) m.mean += static_cast<double>(column[i]);
  m.mean /= static_cast<double>(n);
  for (Index i = 0; i < n; ++i) {
    const double off = static_cast<double>(column[i]) - m.mean;
    m.variance += off * off;
  }
  m.variance /= static_cast<double>(n);
  return m;
}

}  // namespace flowfit::transforms
