// Configs of the cases.
#include "cases.h"

#include <stdexcept>

namespace flowfit::bench {
namespace {

std::string columns_json(int columns) {
  std::string text;
  for (int d = 0; d < columns; ++d) text += (d ? ", \"x" : "\"x") + std::to_string(d + 1) + "\"";
  return text;
}

std::string config(int columns, int rows, const std::string& body) {
  return R"({"data": {"columns": [)" + columns_json(columns) + R"(], "preprocess": "none", "validation": 0}, )" + body +
         R"(, "train": {"optimizer": {"learning_rate": 1e-3}, "batch_size": )" + std::to_string(rows) + "}}";
}

/// RQ-NSF (Durkan et al. 2019): ten times a permuted LU map and a spline layer with a residual network of `blocks` x `width`.
Case spline_flow(const std::string& name, bool coupling, int columns, int rows, int width, int blocks, int bins,
                 const std::string& kind = "train") {
  std::string hidden;
  for (int b = 0; b < blocks; ++b) hidden += (b ? ", " : "") + std::to_string(width);
  const std::string scheme = coupling ? "coupling" : "autoregressive";
  const std::string body =
      R"("flow": [{"type": "repeat", "times": 10, "layers": [{"type": "permutation"}, {"type": "lu_linear"}, {"type": ")" +
      scheme + R"(", "univariate": {"type": "spline", "bins": )" + std::to_string(bins) +
      R"(, "bound": 3}, "net": {"type": "residual", "hidden": [)" + hidden + "]}}]}]";
  const double in = coupling ? columns / 2 : columns, out = coupling ? columns - columns / 2 : columns;
  const double weights = 10 * (in * width + 2.0 * blocks * width * width + width * out * (3 * bins - 1));
  return {name, columns, rows, config(columns, rows, body), kind, weights};
}

std::vector<Case> make_cases() {
  const std::string spline16 = R"({"type": "spline", "kind": "rational_linear", "bins": 16, "bound": 3})";
  const std::string spline8 = R"({"type": "spline", "kind": "rational_linear", "bins": 8, "bound": 3})";
  std::vector<Case> all{
      {"tutorial_spline", 2, 1000, config(2, 1000, R"("flow": [{"type": "elementwise", "univariate": )" + spline16 + "}]"),
       "train"},
      {"tutorial_coupling", 2, 1000,
       config(2, 1000,
              R"("flow": [{"type": "coupling", "univariate": )" + spline16 + R"(, "identity_half": )" + spline16 +
                  R"(, "net": {"hidden": [20, 20]}}])"),
       "train"},
      {"tutorial_conditional", 2, 1000,
       config(2, 1000,
              R"("factors": [{"columns": ["x1"], "flow": [{"type": "elementwise", "univariate": )" + spline8 +
                  R"(}]}, {"columns": ["x2"], "context": ["x1"], "flow": [{"type": "elementwise", "univariate": )" + spline8 +
                  R"(, "net": {"hidden": [10, 10]}}]}])"),
       "train"},
      spline_flow("power_ar", false, 6, 512, 256, 2, 8),
      spline_flow("power_coupling", true, 6, 512, 256, 2, 8),
      spline_flow("miniboone_ar_64", false, 43, 64, 64, 1, 4),
      spline_flow("miniboone_ar_128", false, 43, 128, 64, 1, 4),
      spline_flow("miniboone_coupling_64", true, 43, 64, 64, 1, 4),
      spline_flow("miniboone_coupling_128", true, 43, 128, 64, 1, 4),
      spline_flow("miniboone_ar_score", false, 43, 512, 64, 1, 4, "score"),
      spline_flow("miniboone_ar_sample", false, 43, 512, 64, 1, 4, "sample"),
  };
  const std::string maf =
      R"("flow": [{"type": "repeat", "times": 5, "layers": [{"type": "permutation", "order": "reverse"}, {"type": "autoregressive", "univariate": {"type": "affine"}, "net": {"hidden": [512, 512]}}]}])";
  all.push_back({"maf", 63, 512, config(63, 512, maf), "train", 5.0 * (63 * 512 + 512 * 512 + 512 * 126)});
  return all;
}

}  // namespace

const std::vector<Case>& cases() {
  static const std::vector<Case> all = make_cases();
  return all;
}

const Case& case_named(const std::string& name) {
  for (const Case& c : cases())
    if (c.name == name) return c;
  throw std::invalid_argument("no case \"" + name + "\"");
}

}  // namespace flowfit::bench
