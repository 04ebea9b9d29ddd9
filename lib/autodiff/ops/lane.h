// A column of numbers in memory as an Eigen array: what the fused ops' loops over the rows run on.
#pragma once

#include "autodiff/var.h"

namespace flowfit::autodiff {

template <class T>
using Lane = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstLane = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

}  // namespace flowfit::autodiff
