// The two passes over the parameters: sum with norm, then update.
#include "training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/vectorize.h"

namespace flowfit::training {
namespace {

// The moments of a weight that gets no gradient any more fade into subnormal numbers, on which processors are many times slower.
template <class T>
T normal_or_zero(T x) {
  return std::abs(x) < std::numeric_limits<T>::min() ? T(0) : x;
}

}  // namespace

template <class T>
Optimizer<T>::Optimizer(const Settings& settings, const nn::ParameterLayout& layout)
    : settings_(settings),
      first_(static_cast<std::size_t>(layout.size()), T(0)),
      second_(first_),
      norms_(static_cast<std::size_t>(chunks()), 0.0) {
  if (settings.optimizer.weight_decay == 0) return;
  decay_.assign(first_.size(), T(0));
  for (const nn::Parameter& p : layout.parameters()) {
    if (p.decays) std::fill_n(decay_.begin() + p.offset, p.size, static_cast<T>(settings.optimizer.weight_decay));
  }
}

template <class T>
double Optimizer<T>::reduce(std::span<T* const> lanes, core::ThreadPool& pool) {
  pool.run(chunks(), [&](int c, int) {
    const std::size_t begin = static_cast<std::size_t>(c) * chunk, end = std::min(begin + chunk, first_.size());
    for (std::size_t distance = 1; distance < lanes.size(); distance *= 2) {
      for (std::size_t lane = 0; lane + distance < lanes.size(); lane += 2 * distance) {
        T* to = lanes[lane];
        const T* from = lanes[lane + distance];
        FLOWFIT_VECTORIZE
        for (std::size_t i = begin; i < end; ++i) to[i] += from[i];
      }
    }
    // Several running sums: one would wait for itself at every addition.
    constexpr std::size_t many = 16;
    double sums[many] = {};
    const T* g = lanes[0];
    std::size_t i = begin;
    for (; i + many <= end; i += many) {
      for (std::size_t k = 0; k < many; ++k) sums[k] += static_cast<double>(g[i + k]) * static_cast<double>(g[i + k]);
    }
    for (; i < end; ++i) sums[0] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    norms_[static_cast<std::size_t>(c)] = std::accumulate(sums, sums + many, 0.0);
  });
  double sum = 0;
  for (const double norm : norms_) sum += norm;
  return std::sqrt(sum);
}

template <class T>
void Optimizer<T>::update(std::span<T> weights, std::span<const T> gradient, double norm, double rate, std::int64_t step,
                          core::ThreadPool& pool) {
  const OptimizerSettings& o = settings_.optimizer;
  const double t = static_cast<double>(step) + 1;
  const bool clips = settings_.gradient_clip && norm > *settings_.gradient_clip;
  const T scale = clips ? static_cast<T>(*settings_.gradient_clip / norm) : T(1);
  const T b1 = static_cast<T>(o.beta1), b2 = static_cast<T>(o.beta2), epsilon = static_cast<T>(o.epsilon);
  const T step_size = static_cast<T>(rate / (1 - std::pow(o.beta1, t))),
          root = static_cast<T>(1 / std::sqrt(1 - std::pow(o.beta2, t)));
  pool.run(chunks(), [&](int c, int) {
    const std::size_t begin = static_cast<std::size_t>(c) * chunk, end = std::min(begin + chunk, first_.size());
    T *w = weights.data(), *m = first_.data(), *v = second_.data();
    const T* grad = gradient.data();
    const auto adam = [&](std::size_t i, T g) {
      m[i] = normal_or_zero(b1 * m[i] + (T(1) - b1) * g);
      v[i] = normal_or_zero(b2 * v[i] + (T(1) - b2) * g * g);
      w[i] -= step_size * m[i] / (std::sqrt(v[i]) * root + epsilon);
    };
    if (decay_.empty()) {
      FLOWFIT_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) adam(i, scale * grad[i]);
    } else if (o.decoupled) {
      const T* decay = decay_.data();
      FLOWFIT_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) {
        w[i] -= static_cast<T>(rate) * decay[i] * w[i];
        adam(i, scale * grad[i]);
      }
    } else {
      const T* decay = decay_.data();
      FLOWFIT_VECTORIZE
      for (std::size_t i = begin; i < end; ++i) adam(i, scale * grad[i] + decay[i] * w[i]);
    }
  });
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace flowfit::training
