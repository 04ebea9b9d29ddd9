// Philox draws, uniforms, normals and permutations.
#include "core/random.h"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace flowfit::core {
namespace {

struct Pair {
  double first, second;
};

// 52 bits, centred between the multiples of 2^-52, so that neither 0 nor 1 occurs.
double unit(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

Pair draw(const RandomKey& key, std::uint64_t row, std::uint32_t block) {
  const r123::Philox4x32::ctr_type counter{{static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(row >> 32), key.epoch,
                                            static_cast<std::uint32_t>(key.purpose) << 24 | block}};
  const r123::Philox4x32::key_type philox_key{{static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)}};
  const auto words = r123::Philox4x32{}(counter, philox_key);
  return {unit(words[0], words[1]), unit(words[2], words[3])};
}

template <class Transform>
void fill(const RandomKey& key, std::uint64_t row, std::span<double> out, std::uint32_t first, Transform transform) {
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const Pair pair = transform(draw(key, row, (first + static_cast<std::uint32_t>(i)) / 2));
    out[i] = pair.first;
    if (i + 1 < out.size()) out[i + 1] = pair.second;
  }
}

}  // namespace

void RandomKey::uniforms(std::uint64_t row, std::span<double> out, std::uint32_t first) const {
  fill(*this, row, out, first, [](Pair pair) { return pair; });
}

void RandomKey::normals(std::uint64_t row, std::span<double> out, std::uint32_t first) const {
  fill(*this, row, out, first, [](Pair pair) {
    const double radius = std::sqrt(-2.0 * std::log(pair.first));
    const double angle = 2.0 * std::numbers::pi * pair.second;
    return Pair{radius * std::cos(angle), radius * std::sin(angle)};
  });
}

void permute(const RandomKey& key, std::span<std::uint32_t> order) {
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = order.size(); i > 1; --i) {
    double u = 0;
    key.uniforms(i, {&u, 1});
    std::swap(order[i - 1], order[std::min(static_cast<std::size_t>(u * static_cast<double>(i)), i - 1)]);
  }
}

std::vector<std::uint32_t> permutation(const RandomKey& key, std::size_t count) {
  std::vector<std::uint32_t> order(count);
  permute(key, order);
  return order;
}

}  // namespace flowfit::core
