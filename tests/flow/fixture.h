// A small model with its weights moved away from the start, and rows for it.
#pragma once

#include <memory>

#include "core/random.h"
#include "training/prepare.h"

namespace flowfit::test {

/// Two columns of very different units, standardized; a coupling and an autoregressive layer.
template <class T>
std::unique_ptr<flow::TypedModel<T>> small_model() {
  const std::string config =
      R"({"data": {"columns": ["a", "b"]}, "flow": [{"type": "coupling", "univariate": {"type": "spline", "bins": 5}, "net": {"hidden": [8]}}, {"type": "lu_linear"},
      {"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [6]}}], "train": {"dtype": ")" +
      std::string(sizeof(T) == 8 ? "float64" : "float32") + "\"}}";
  const training::Plan plan = training::read_plan(config, "small", {});
  auto model = training::fresh_model<T>(plan);
  data::Schema schema;
  schema.columns = {{"a", 1000.0, 25.0}, {"b", 0.002, 1e-4}};
  model->set_schema(schema);
  const core::RandomKey key{11, core::Purpose::sample};
  for (const nn::Parameter& p : model->layout().parameters()) {
    std::vector<double> noise(static_cast<std::size_t>(p.size));
    key.normals(static_cast<std::uint64_t>(p.offset), noise);
    for (nn::Index i = 0; i < p.size; ++i) {
      const bool masked = !p.prefix.empty() && i % p.shape[1] >= p.prefix[static_cast<std::size_t>(i / p.shape[1])];
      if (!masked)
        model->weights()[static_cast<std::size_t>(p.offset + i)] += static_cast<T>(0.2 * noise[static_cast<std::size_t>(i)]);
    }
  }
  return model;
}

}  // namespace flowfit::test
