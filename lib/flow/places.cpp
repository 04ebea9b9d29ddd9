// Drawing contexts, and cutting columns short.
#include "flow/places.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/random.h"

namespace flowfit::flow {

Places Places::first(std::size_t count) const {
  Places some = *this;
  for (data::Columns* part : {&some.rows, &some.context, &some.lengths})
    for (std::vector<double>& column : *part) column.resize(std::min(count, column.size()));
  return some;
}

Places Places::only(std::size_t row) const {
  Places one = *this;
  for (data::Columns* part : {&one.rows, &one.context, &one.lengths})
    for (std::vector<double>& column : *part) column = {column[row]};
  return one;
}

data::Columns draw_context(const data::Schema& schema, std::size_t rows, std::uint64_t seed) {
  constexpr double farthest = 2;
  data::Columns context;
  std::uint32_t number = 0;
  for (const data::Column& column : schema.context) {
    std::vector<double> values(rows);
    const core::RandomKey key{seed, core::Purpose::check, number++};
    for (std::size_t i = 0; i < rows; ++i) {
      const std::span<double> one = std::span(values).subspan(i, 1);
      if (column.kind == data::Kind::categorical) {
        key.uniforms(i, one);
        values[i] = std::floor(values[i] * static_cast<double>(column.categories.size()));
      } else {
        key.normals(i, one);
        values[i] = column.back(std::clamp(values[i], -farthest, farthest));
      }
    }
    context.push_back(std::move(values));
  }
  return context;
}

}  // namespace flowfit::flow
