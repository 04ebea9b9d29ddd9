// A small training: two correlated columns, a flow with every kind of randomness, and an observer that can stop it.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/random.h"
#include "data/dataset.h"
#include "training/train.h"

namespace flowfit::test {

inline data::Dataset banana(std::size_t rows) {
  data::Dataset table{"banana", {"a", "b"}, {std::vector<double>(rows), std::vector<double>(rows)}};
  const core::RandomKey key{7, core::Purpose::sample};
  for (std::size_t i = 0; i < rows; ++i) {
    double z[2];
    key.normals(i, z);
    table.columns[0][i] = 3 + 2 * z[0];
    table.columns[1][i] = z[0] * z[0] + 0.3 * z[1];
  }
  return table;
}

/// `train` holds members of the "train" object.
inline std::string banana_config(const std::string& train, const std::string& dropout = "0.1") {
  return R"({"data": {"validation": 0.2}, "flow": [{"type": "act_norm"}, {"type": "coupling", "univariate": {"type": "spline", "bins": 4}, "net": {"hidden": [8], "dropout": )" +
         dropout +
         R"(}}, {"type": "permutation", "order": "reverse"}, {"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [8]}}],
         "train": {)" +
         train + "}}";
}

inline training::Request banana_request(const std::string& train, const std::string& directory, std::size_t rows = 330) {
  training::Request request;
  request.config = banana_config(train);
  request.config_name = "banana.json";
  request.data = banana(rows);
  request.directory = directory;
  return request;
}

/// Stops after `steps` steps of this call.
class StopAfter : public training::Observer {
 public:
  explicit StopAfter(int steps) : left_(steps) {}
  void notice(std::string_view text) override { notices.emplace_back(text); }
  bool stop() override { return --left_ == 0; }
  std::vector<std::string> notices;

 private:
  int left_;
};

}  // namespace flowfit::test
