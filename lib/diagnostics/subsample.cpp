// Reservoir sampling with counter-based random numbers.
#include "diagnostics/subsample.h"

#include <algorithm>
#include <array>

namespace flowfit::diagnostics {
namespace {

constexpr core::RandomKey reservoir{0, core::Purpose::check, 500}, choice{0, core::Purpose::check, 501};

}  // namespace

std::size_t Subsample::next() {
  const std::size_t row = seen_++;
  if (row < most_) return row;
  std::array<double, 1> u{};
  reservoir.uniforms(row, u);
  const auto place = static_cast<std::size_t>(u[0] * static_cast<double>(row + 1));
  return place < most_ ? place : none;
}

void put_row(data::Columns& into, std::size_t to, const data::Columns& columns, std::size_t from) {
  into.resize(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (to == into[c].size())
      into[c].push_back(columns[c][from]);
    else
      into[c][to] = columns[c][from];
  }
}

std::vector<std::size_t> some_of(std::size_t count, std::size_t most) {
  const std::vector<std::uint32_t> order = core::permutation(choice, count);
  std::vector<std::size_t> some(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(count, most)));
  std::ranges::sort(some);
  return some;
}

}  // namespace flowfit::diagnostics
