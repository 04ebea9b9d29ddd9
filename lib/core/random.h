// Counter-based random numbers: a draw depends on (seed, purpose, epoch, row) and on nothing that ran before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flowfit::core {

/// What a draw is for: streams of different purposes never overlap. The values are part of the bits of a model: append only.
enum class Purpose : std::uint32_t {
  initialize = 1,
  order = 2,
  split = 3,
  shuffle = 4,
  dropout = 5,
  jitter = 6,
  sample = 7,
  check = 8,
  estimate = 9,
  dequantize = 10,
  baseline = 20,
  member = 21,
  bootstrap = 22,
  fold = 23,
  impute = 24,
  calibration = 25,
  look = 26
};

/// Name of the scheme, stored in the model file.
inline constexpr const char* random_scheme = "philox4x32-10/1";

/// A stream of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): key = seed, counter =
/// (row, epoch, purpose and place in the row). Uniforms have 52 bits; normals are Box–Muller pairs of them.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::sample;
  std::uint32_t epoch = 0;  ///< training step, layer or epoch, as the purpose needs

  /// Fills `out` with uniforms in (0, 1) of `row`, beginning with the `first`-th draw of the row (`first` even).
  void uniforms(std::uint64_t row, std::span<double> out, std::uint32_t first = 0) const;
  /// Fills `out` with standard normals of `row`.
  void normals(std::uint64_t row, std::span<double> out, std::uint32_t first = 0) const;
};

/// Fills `order` with a random permutation of 0 … size−1 (Fisher–Yates).
void permute(const RandomKey& key, std::span<std::uint32_t> order);
std::vector<std::uint32_t> permutation(const RandomKey& key, std::size_t count);

}  // namespace flowfit::core
