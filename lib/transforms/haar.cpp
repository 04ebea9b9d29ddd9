// haar: the orthonormal Haar wavelet transform across the columns, for any number of them; log-det 0.
//
// Haar, "Zur Theorie der orthogonalen Funktionensysteme", Mathematische Annalen, 1910. Pairs of neighbours (a, b) become (a + b)/√2 and (a − b)/√2; the
// sums go through the same again. Each level leaves its sums, then its differences, then the last column where that has no neighbour, as Pyro does.
#include <cmath>

#include "transforms/fixed_matrix.h"

namespace flowfit::transforms {
namespace {

Square wavelets(Index size) {
  Square m = Square::Identity(size, size);
  const double half = std::sqrt(0.5);
  for (Index n = size; n > 1; n /= 2) {
    const Index pairs = n / 2;
    const Square before = m.topRows(2 * pairs);
    for (Index i = 0; i < pairs; ++i) {
      m.row(i) = half * (before.row(2 * i) + before.row(2 * i + 1));
      m.row(pairs + i) = half * (before.row(2 * i) - before.row(2 * i + 1));
    }
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
