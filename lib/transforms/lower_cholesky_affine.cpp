// lower_cholesky_affine: y = loc + L·x with numbers given in the config, L lower triangular with a positive diagonal. Nothing is learned.
#include <Eigen/Dense>

#include "transforms/fixed_matrix.h"

namespace flowfit::transforms {
namespace {

// "scale_tril": D rows of D numbers.
Square read_lower(const config::Node& node, Index size) {
  Square m = Square::Identity(size, size), identity = m;
  const config::Node list = node.required("scale_tril");
  if (!list.exists()) return identity;
  const std::string wanted = std::to_string(size) + (size == 1 ? " number" : " numbers");
  const std::vector<config::Node> rows = list.elements();
  if (list.is_array() && static_cast<Index>(rows.size()) != size) {
    list.error("expected " + std::to_string(size) + " rows of " + wanted);
    return identity;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<config::Node> cells = rows[i].elements();
    if (rows[i].is_array() && static_cast<Index>(cells.size()) != size) {
      rows[i].error("expected " + wanted);
      return identity;
    }
    for (std::size_t j = 0; j < cells.size(); ++j) {
      const std::optional<double> value =
          cells[j].as_number(i == j ? config::Range{.low = 0.0, .open_low = true} : config::Range{});
      if (j > i && value && *value != 0) cells[j].error("must be 0 above the diagonal");
      if (value) m(static_cast<Index>(i), static_cast<Index>(j)) = *value;
    }
  }
  return m;
}

template <class T>
class LowerCholeskyAffine final : public FixedMatrix<T> {
 public:
  LowerCholeskyAffine(const config::Node& node, const Build& build)
      : LowerCholeskyAffine(build, read_lower(node, build.features), column_numbers(node, "loc", 0.0, build.features)) {}

 private:
  LowerCholeskyAffine(const Build& build, const Square& lower, const std::vector<double>& loc)
      : FixedMatrix<T>(build, lower, lower.triangularView<Eigen::Lower>().solve(Square::Identity(lower.rows(), lower.cols())),
                       lower.diagonal().array().log().sum(), loc) {}
};

}  // namespace

TransformEntry lower_cholesky_affine_transform() {
  return transform_entry<LowerCholeskyAffine>(
      "lower_cholesky_affine",
      {{R"({"type": "lower_cholesky_affine", "loc": [1, 0, -2], "scale_tril": [[2, 0, 0], [-1, 0.5, 0], [0.3, 1, 1]]})", 3, 0},
       {R"({"type": "lower_cholesky_affine", "loc": 1, "scale_tril": [[0.5, 0], [1, 2]]})", 2, 0},
       {R"({"type": "lower_cholesky_affine", "scale_tril": [[2]]})", 1, 0}});
}

}  // namespace flowfit::transforms
