// Products: right numbers, and a row's bits that do not depend on its place or neighbours.
#include "autodiff/ops/gemm.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::Block;

namespace {

constexpr Index inner[] = {1, 2, 3, 5, 8, 17, 31, 64, 100, 257, 512};
constexpr Index columns[] = {1, 2, 3, 4, 5, 7, 8, 12, 23, 31, 64, 130};

template <class T>
Block<const T> view(const Matrix<T>& m) {
  return {m.data(), m.rows(), m.cols(), m.rows()};
}
template <class T>
Block<T> view(Matrix<T>& m) {
  return {m.data(), m.rows(), m.cols(), m.rows()};
}

enum class Way { plain, accumulate, transposed_right };

template <class T>
Matrix<T> product(Way way, const Matrix<T>& a, const Matrix<T>& b, const Matrix<T>& start) {
  Matrix<T> c = start;
  if (way == Way::transposed_right)
    autodiff::multiply_transposed_right<T>(view(a), view(b), view(c));
  else
    autodiff::multiply<T>(view(a), view(b), view(c), way == Way::accumulate);
  return c;
}

template <class T>
void rows_keep_their_bits() {
  for (const Index rows : {16, 48, 61, 96, 192}) {
    for (const Index k : inner) {
      for (const Index n : columns) {
        if (rows == 192 && k * n > 5000) continue;
        const Matrix<T> a = normals<T>(rows, k, 1), start = normals<T>(rows, n, 3);
        for (const Way way : {Way::plain, Way::accumulate, Way::transposed_right}) {
          CAPTURE(rows);
          CAPTURE(k);
          CAPTURE(n);
          const Matrix<T> b = way == Way::transposed_right ? normals<T>(n, k, 2) : normals<T>(k, n, 2);
          const Matrix<T> c = product(way, a, b, start);
          Matrix<T> moved = normals<T>(rows, k, 4), moved_start = start;
          const auto place = [&](Index i) { return (5 * i + 7) % rows; };  // 5 and rows share no factor
          for (Index i = 0; i < rows; i += 3) {
            moved.row(place(i)) = a.row(i);
            moved_start.row(place(i)) = start.row(i);
          }
          const Matrix<T> d = product(way, moved, b, moved_start);
          bool same = true;
          for (Index i = 0; i < rows; i += 3) same = same && same_bits<T>(c.row(i), d.row(place(i)));
          CHECK(same);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("gemm: a row of a product depends on that row alone, bit for bit, in float64") { rows_keep_their_bits<double>(); }
TEST_CASE("gemm: a row of a product depends on that row alone, bit for bit, in float32") { rows_keep_their_bits<float>(); }

TEST_CASE("gemm: products and transposed products are those of a plain loop, with strides") {
  // Blocks inside larger matrices: 3 rows more than they show.
  const Index m = 11, k = 7, n = 5;
  const Matrix<double> a = normals<double>(m + 3, k, 1), b = normals<double>(k + 3, n, 2), bt = normals<double>(n + 3, k, 3);
  const Matrix<double> tall = normals<double>(m + 3, n, 4);
  const Block<const double> left{a.data(), m, k, m + 3};
  const auto loop = [&](Index rows, Index cols, Index depth, auto term) {
    Matrix<double> c = Matrix<double>::Zero(rows, cols);
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) {
        for (Index p = 0; p < depth; ++p) c(i, j) += term(i, j, p);
      }
    }
    return c;
  };
  Matrix<double> c = Matrix<double>::Constant(m, n, 9);
  autodiff::multiply<double>(left, {b.data(), k, n, k + 3}, view(c), false);
  CHECK((c - loop(m, n, k, [&](Index i, Index j, Index p) { return a(i, p) * b(p, j); })).cwiseAbs().maxCoeff() < 1e-13);
  c.setConstant(2);
  autodiff::multiply<double>(left, {b.data(), k, n, k + 3}, view(c), true);
  CHECK((c.array() - 2 - loop(m, n, k, [&](Index i, Index j, Index p) { return a(i, p) * b(p, j); }).array()).abs().maxCoeff() <
        1e-13);
  c.setConstant(2);
  autodiff::multiply_transposed_right<double>(left, {bt.data(), n, k, n + 3}, view(c));
  CHECK((c.array() - 2 - loop(m, n, k, [&](Index i, Index j, Index p) { return a(i, p) * bt(j, p); }).array()).abs().maxCoeff() <
        1e-13);
  Matrix<double> d = Matrix<double>::Constant(k, n, 2);
  autodiff::multiply_transposed_left<double>(left, {tall.data(), m, n, m + 3}, view(d), true);
  CHECK(
      (d.array() - 2 - loop(k, n, m, [&](Index i, Index j, Index p) { return a(p, i) * tall(p, j); }).array()).abs().maxCoeff() <
      1e-13);
}

TEST_CASE("gemm: a product deeper than what is taken at a time is that of a plain loop") {
  const Index m = 37, n = 9, k = 500;
  const Matrix<double> a = normals<double>(m, k, 1), b = normals<double>(k, n, 2), bt = b.transpose();
  const Matrix<double> at = a.transpose(), right = a.lazyProduct(b);
  for (const double start : {0.0, 2.0}) {
    Matrix<double> c = Matrix<double>::Constant(m, n, start);
    autodiff::multiply<double>(view(a), view(b), view(c), true);
    CHECK((c.array() - start - right.array()).abs().maxCoeff() < 1e-11);
    c.setConstant(start);
    autodiff::multiply<double>(view(a), view(b), view(c), false);
    CHECK((c - right).cwiseAbs().maxCoeff() < 1e-11);
    c.setConstant(start);
    autodiff::multiply_transposed_right<double>(view(a), view(bt), view(c));
    CHECK((c.array() - start - right.array()).abs().maxCoeff() < 1e-11);
    c.setConstant(start);
    autodiff::multiply_transposed_left<double>(view(at), view(b), view(c), start != 0.0);
    CHECK((c.array() - start - right.array()).abs().maxCoeff() < 1e-11);
  }
}
