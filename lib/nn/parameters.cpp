// Slots in the parameter vector and their starting values.
#include "nn/parameters.h"

#include <algorithm>

namespace flowfit::nn {

Initializer zeros() {
  return [](std::span<double> values, const core::RandomKey&) { std::ranges::fill(values, 0.0); };
}

Initializer values(std::vector<double> start) {
  return
      [start = std::move(start)](std::span<double> values, const core::RandomKey&) { std::ranges::copy(start, values.begin()); };
}

Initializer uniform(double limit) {
  return [limit](std::span<double> values, const core::RandomKey& key) {
    key.uniforms(0, values);
    for (double& v : values) v = limit * (2 * v - 1);
  };
}

Slot ParameterLayout::add(Parameter parameter) {
  parameter.offset = size_;
  // Each slot starts on a 64-byte line, whatever the dtype.
  size_ += (parameter.size + 15) / 16 * 16;
  parameters_.push_back(std::move(parameter));
  const Parameter& p = parameters_.back();
  return {p.offset, 1, p.size, parameters_.size() - 1};
}

Slot ParameterLayout::matrix(const std::string& name, Index out, Index in, Initializer initialize, std::vector<int> prefix) {
  const Slot slot = add({name, {out, in}, 0, out * in, std::move(initialize), true, std::move(prefix), false});
  return {slot.offset, in, out, slot.number};
}

Slot ParameterLayout::vector(const std::string& name, std::vector<Index> shape, Initializer initialize) {
  Index size = 1;
  for (const Index n : shape) size *= n;
  return add({name, std::move(shape), 0, size, std::move(initialize), false, {}, false});
}

Slot ParameterLayout::buffer(const std::string& name, std::vector<Index> shape, Initializer initialize) {
  const Slot slot = vector(name, std::move(shape), std::move(initialize));
  parameters_.back().buffer = true;
  return slot;
}

Index ParameterLayout::reserve_sums(Index count) {
  const Index first = sums_;
  sums_ += count;
  return first;
}

std::uint32_t ParameterLayout::reserve_draws(Index count) {
  const std::uint32_t first = draws_;
  draws_ += static_cast<std::uint32_t>((count + 1) / 2 * 2);
  return first;
}

std::vector<double> ParameterLayout::initial(std::uint64_t seed) const {
  std::vector<double> all(static_cast<std::size_t>(size_), 0.0);
  std::uint32_t place = 0;
  for (const Parameter& p : parameters_) {
    const std::span<double> part(all.data() + p.offset, static_cast<std::size_t>(p.size));
    p.initialize(part, {seed, core::Purpose::initialize, place++});
    for (std::size_t j = 0; j < p.prefix.size(); ++j) {
      const auto unit = part.subspan(j * static_cast<std::size_t>(p.shape[1]), static_cast<std::size_t>(p.shape[1]));
      std::fill(unit.begin() + p.prefix[j], unit.end(), 0.0);
    }
  }
  return all;
}

}  // namespace flowfit::nn
