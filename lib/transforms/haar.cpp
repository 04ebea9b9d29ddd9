// haar: the orthonormal Haar wavelet transform across the columns, for any number of them; log-det 0.
//
// Haar, "Zur Theorie der orthogonalen Funktionensysteme", Mathematische Annalen, 1910. Pairs of neighbours (a, b) become (a + b)/√2 and (a − b)/√2; the
// sums, and a last column without a neighbour, go through the same again. The output has the coarsest first: y_0 is the last sum, then the differences of each
// level, those of the neighbours at the end.
#include <cmath>

#include "transforms/fixed_matrix.h"

namespace flowfit::transforms {
namespace {

Square wavelets(Index size) {
  Square m = Square::Identity(size, size);
  const double half = std::sqrt(0.5);
  for (Index n = size; n > 1; n = (n + 1) / 2) {
    const Index pairs = n / 2, sums = n - pairs;
    Square level(n, size);
    for (Index i = 0; i < pairs; ++i) {
      level.row(i) = half * (m.row(2 * i) + m.row(2 * i + 1));
      level.row(sums + i) = half * (m.row(2 * i) - m.row(2 * i + 1));
    }
    if (sums > pairs) level.row(pairs) = m.row(n - 1);
    m.topRows(n) = level;
  }
  return m;
}

template <class T>
class Haar final : public FixedMatrix<T> {
 public:
  Haar(const config::Node&, const Build& build)
      : FixedMatrix<T>(build, wavelets(build.features), wavelets(build.features).transpose(), 0) {}
};

}  // namespace

TransformEntry haar_transform() {
  return transform_entry<Haar>("haar",
                               {{R"({"type": "haar"})", 7, 0}, {R"({"type": "haar"})", 2, 0}, {R"({"type": "haar"})", 1, 0}});
}

}  // namespace flowfit::transforms
