// Random numbers: the published vectors of Philox, independence of draws, moments, permutations.
#include "core/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace flowfit::core;

namespace {

// The four words of one counter, as the two uniforms show their upper 52 bits.
struct Words {
  std::uint32_t w[4];
};
void check_vector(std::uint64_t row, std::uint32_t epoch, std::uint32_t last, std::uint64_t seed, Words expected) {
  const RandomKey key{seed, static_cast<Purpose>(last >> 24), epoch};
  double u[2];
  key.uniforms(row, u, 2 * (last & 0xffffff));
  for (int i = 0; i < 2; ++i) {
    const std::uint64_t bits = (std::uint64_t{expected.w[2 * i]} << 32 | expected.w[2 * i + 1]) >> 12;
    CHECK(u[i] == (static_cast<double>(bits) + 0.5) * 0x1p-52);
  }
}

}  // namespace

TEST_CASE("random: Philox4x32-10 gives Random123's known answers") {
  check_vector(0, 0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  check_vector(0xffffffffffffffff, 0xffffffff, 0xffffffff, 0xffffffffffffffff, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check_vector(0x85a308d3243f6a88, 0x13198a2e, 0x03707344, 0x299f31d0a4093822, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: a short draw is the beginning of a long one, and a later part its continuation") {
  const RandomKey key{9, Purpose::sample, 2};
  std::vector<double> all(10), part(5), odd(3);
  key.normals(4, all);
  key.normals(4, part);
  key.normals(4, odd, 6);
  CHECK(std::equal(part.begin(), part.end(), all.begin()));
  CHECK(std::equal(odd.begin(), odd.end(), all.begin() + 6));
  key.uniforms(4, all);
  key.uniforms(4, odd, 6);
  CHECK(std::equal(odd.begin(), odd.end(), all.begin() + 6));
}

TEST_CASE("random: another seed, purpose, epoch or row is another draw") {
  const auto draw = [](RandomKey key, std::uint64_t row) {
    double u = 0;
    key.uniforms(row, {&u, 1});
    return u;
  };
  const double one = draw({1, Purpose::sample, 0}, 0);
  CHECK(one != draw({2, Purpose::sample, 0}, 0));
  CHECK(one != draw({1, Purpose::jitter, 0}, 0));
  CHECK(one != draw({1, Purpose::sample, 1}, 0));
  CHECK(one != draw({1, Purpose::sample, 0}, 1));
  CHECK(one == draw({1, Purpose::sample, 0}, 0));
}

TEST_CASE("random: moments of uniforms and normals") {
  double u1 = 0, u2 = 0, n1 = 0, n2 = 0, n4 = 0;
  constexpr int rows = 20000;
  for (std::uint64_t row = 0; row < rows; ++row) {
    double u[2], n[2];
    RandomKey{3, Purpose::check}.uniforms(row, u);
    RandomKey{4, Purpose::check}.normals(row, n);
    for (int i = 0; i < 2; ++i) {
      CHECK((u[i] > 0 && u[i] < 1));
      u1 += u[i] / (2 * rows);
      u2 += u[i] * u[i] / (2 * rows);
      n1 += n[i] / (2 * rows);
      n2 += n[i] * n[i] / (2 * rows);
      n4 += std::pow(n[i], 4) / (2 * rows);
    }
  }
  // Four standard errors of 40,000 draws.
  CHECK(std::abs(u1 - 0.5) < 4 * 0.2887 / 200);
  CHECK(std::abs(u2 - 1.0 / 3) < 4 * 0.298 / 200);
  CHECK(std::abs(n1) < 4.0 / 200);
  CHECK(std::abs(n2 - 1) < 4 * 1.414 / 200);
  CHECK(std::abs(n4 - 3) < 4 * 9.8 / 200);
}

TEST_CASE("random: permutations hold every number once and every place is as likely") {
  for (const std::size_t size : {0u, 1u, 2u, 17u}) {
    std::vector<std::uint32_t> order = permutation({5, Purpose::shuffle}, size);
    REQUIRE(order.size() == size);
    std::sort(order.begin(), order.end());
    for (std::uint32_t i = 0; i < size; ++i) CHECK(order[i] == i);
  }
  int first[4] = {};
  for (std::uint32_t epoch = 0; epoch < 4000; ++epoch) ++first[permutation({5, Purpose::shuffle, epoch}, 4)[0]];
  for (const int count : first) CHECK(std::abs(count - 1000) < 4 * 27.4);
}
