// discrete_cosine: the orthonormal discrete cosine transform (DCT-II) across the columns; log-det 0.
//
// Ahmed, Natarajan, Rao, "Discrete Cosine Transform", IEEE Transactions on Computers, 1974. y_k = s_k Σ_n x_n cos(π(n + 1/2)k / D), s_0 = √(1/D), else √(2/D).
#include <cmath>
#include <numbers>

#include "transforms/fixed_matrix.h"

namespace flowfit::transforms {
namespace {

Square cosines(Index size) {
  Square m(size, size);
  const double n = static_cast<double>(size);
  for (Index k = 0; k < size; ++k) {
    for (Index i = 0; i < size; ++i) {
      // A period is 4·D steps of π / 2D; taken modulo that, the angle has all of its digits.
      const double angle = static_cast<double>((2 * i + 1) * k % (4 * size)) * std::numbers::pi / (2 * n);
      m(k, i) = std::sqrt((k == 0 ? 1 : 2) / n) * std::cos(angle);
    }
  }
  return m;
}

template <class T>
class DiscreteCosine final : public FixedMatrix<T> {
 public:
  DiscreteCosine(const config::Node&, const Build& build)
      : FixedMatrix<T>(build, cosines(build.features), cosines(build.features).transpose(), 0) {}
};

}  // namespace

TransformEntry discrete_cosine_transform() {
  return transform_entry<DiscreteCosine>("discrete_cosine",
                                         {{R"({"type": "discrete_cosine"})", 5, 0}, {R"({"type": "discrete_cosine"})", 1, 0}});
}

}  // namespace flowfit::transforms
