// Adam and AdamW over the one parameter vector, fused with the sum of the lanes' gradients.
#pragma once

#include <span>
#include <vector>

#include "core/parallel.h"
#include "nn/parameters.h"
#include "training/settings.h"

namespace flowfit::training {

/// Kingma, Ba, "Adam", ICLR 2015, alg. 1; Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, alg. 2.
template <class T>
class Optimizer {
 public:
  Optimizer(const Settings& settings, const nn::ParameterLayout& layout);

  /// Adds the lanes' gradients in a fixed tree into lanes[0] and returns the Euclidean norm of the sum: the same for any pool.
  double reduce(std::span<T* const> lanes, core::ThreadPool& pool);
  /// One update of `weights` at learning rate `rate` with lanes[0]'s gradient, clipped to `gradient_clip` given its norm. `step` counts from 0.
  void update(std::span<T> weights, std::span<const T> gradient, double norm, double rate, std::int64_t step,
              core::ThreadPool& pool);

  std::vector<T>& first_moment() { return first_; }
  std::vector<T>& second_moment() { return second_; }
  const std::vector<T>& first_moment() const { return first_; }
  const std::vector<T>& second_moment() const { return second_; }

 private:
  static constexpr std::size_t chunk = 16384;
  int chunks() const { return static_cast<int>((first_.size() + chunk - 1) / chunk); }

  Settings settings_;
  std::vector<T> first_, second_, decay_;  // decay_: weight decay of each parameter, or empty
  std::vector<double> norms_;              // of each chunk
};

}  // namespace flowfit::training
