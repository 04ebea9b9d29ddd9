// The fused splines against scalar ones written from the papers, at knots, ends and far outside.
#include "autodiff/ops/spline.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::SplineKind;
using autodiff::SplineShape;

namespace {

const SplineShape shapes[] = {{SplineKind::rational_quadratic, 8, 5.0},
                              {SplineKind::rational_quadratic, 2, 1.5, 0.1, 0.05, 0.01},
                              {SplineKind::rational_linear, 16, 3.0},
                              {SplineKind::rational_linear, 3, 2.0, 0.02, 0.01, 0.1}};

// Knots and slopes of one feature; the constraints of spline.h, one at a time.
struct Knots {
  std::vector<double> x, y, slope, lambda;

  Knots(const SplineShape& s, const Matrix<double>& raw, Index row, Index feature) {
    const Index first = feature * s.parameters(), k = s.bins;
    const auto edges = [&](Index from, double smallest) {
      std::vector<double> at{-s.bound};
      double sum = 0;
      for (Index b = 0; b < k; ++b) sum += std::exp(raw(row, first + from + b));
      for (Index b = 0; b < k; ++b)
        at.push_back(at.back() +
                     2 * s.bound *
                         (smallest + (1 - smallest * static_cast<double>(k)) * std::exp(raw(row, first + from + b)) / sum));
      return at;
    };
    x = edges(0, s.min_width);
    y = edges(k, s.min_height);
    slope = {1.0};
    for (Index b = 0; b + 1 < k; ++b)
      slope.push_back(s.min_slope + std::log1p(std::exp(raw(row, first + 2 * k + b) + std::log(std::expm1(1 - s.min_slope)))));
    slope.push_back(1.0);
    for (Index b = 0; b < k && s.kind == SplineKind::rational_linear; ++b)
      lambda.push_back(0.025 + 0.95 / (1 + std::exp(-raw(row, first + 3 * k - 1 + b))));
  }

  // y and dy/dx at v.
  std::pair<double, double> at(const SplineShape& s, double v) const {
    if (std::abs(v) >= s.bound) return {v, 1.0};
    std::size_t k = 0;
    while (k + 2 < x.size() && v >= x[k + 1]) ++k;
    const double w = x[k + 1] - x[k], ya = y[k], yb = y[k + 1], da = slope[k], db = slope[k + 1], theta = (v - x[k]) / w;
    if (s.kind == SplineKind::rational_quadratic) {
      // Durkan et al. 2019, eqs. 4 and 5.
      const double sk = (yb - ya) / w, den = sk + (db + da - 2 * sk) * theta * (1 - theta);
      return {ya + (yb - ya) * (sk * theta * theta + da * theta * (1 - theta)) / den,
              sk * sk * (db * theta * theta + 2 * sk * theta * (1 - theta) + da * (1 - theta) * (1 - theta)) / (den * den)};
    }
    // Dolatabadi et al. 2020, algorithm 1 and eq. 7, with w_a = 1.
    const double l = lambda[k], wa = 1, wb = std::sqrt(da / db) * wa, wc = (l * wa * da + (1 - l) * wb * db) * w / (yb - ya);
    const double yc = ((1 - l) * wa * ya + l * wb * yb) / ((1 - l) * wa + l * wb);
    if (theta <= l) {
      const double den = wa * (l - theta) + wc * theta;
      return {(wa * ya * (l - theta) + wc * yc * theta) / den, wa * wc * l * (yc - ya) / (den * den) / w};
    }
    const double den = wc * (1 - theta) + wb * (theta - l);
    return {(wc * yc * (1 - theta) + wb * yb * (theta - l)) / den, wb * wc * (1 - l) * (yb - yc) / (den * den) / w};
  }
};

std::vector<Var<double>> run(Tape<double>& t, const SplineShape& shape, Var<double> x, Var<double> raw, bool inverse) {
  const Mapped<double> m = autodiff::spline_map(t, shape, x, raw, inverse);
  return {m.value, m.log_det};
}

}  // namespace

TEST_CASE("spline: value and log_det are those of the papers, both directions, free and by row") {
  for (const SplineShape& shape : shapes) {
    for (const Index raw_rows : {96, 1}) {
      const Matrix<double> x = normals<double>(96, 2, 1, 0.6 * shape.bound),
                           raw = normals<double>(raw_rows, 2 * shape.parameters(), 2);
      Tape<double> tape;
      const auto there = run(tape, shape, input(tape, x), input(tape, raw), false);
      const auto back = run(tape, shape, there[0], input(tape, raw), true);
      double worst = 0;
      for (Index i = 0; i < 96; ++i) {
        for (Index d = 0; d < 2; ++d) {
          const auto [y, slope] = Knots(shape, raw, raw_rows == 1 ? 0 : i, d).at(shape, x(i, d));
          worst = std::max({worst, std::abs(y - there[0].val()(i, d)), std::abs(std::log(slope) - there[1].val()(i, d)),
                            std::abs(x(i, d) - back[0].val()(i, d)), std::abs(std::log(slope) + back[1].val()(i, d))});
        }
      }
      CHECK(worst < 1e-9);
    }
  }
}

TEST_CASE("spline: gradients are those of differences, every entry") {
  for (const SplineShape& shape : shapes) {
    for (const bool inverse : {false, true}) {
      for (const Index raw_rows : {6, 1}) {
        const auto function = [&](Tape<double>& t, std::span<const Var<double>> in) {
          return run(t, shape, in[0], in[1], inverse);
        };
        CHECK(autodiff::check_vjp(function, {normals<double>(6, 2, 3, 0.6 * shape.bound),
                                             normals<double>(raw_rows, 2 * shape.parameters(), 4)}) == "");
      }
    }
  }
}

TEST_CASE("spline: at knots, ends and outside, value and slope are those of both sides") {
  for (const SplineShape& shape : shapes) {
    const Matrix<double> raw = normals<double>(1, shape.parameters(), 5);
    const Knots knots(shape, raw, 0, 0);
    for (const bool inverse : {false, true}) {
      const std::vector<double>& from = inverse ? knots.y : knots.x;
      const std::vector<double>& to = inverse ? knots.x : knots.y;
      Matrix<double> x(static_cast<Index>(from.size()) * 3, 1);
      for (std::size_t k = 0; k < from.size(); ++k) {
        for (int side = 0; side < 3; ++side) x(static_cast<Index>(3 * k) + side) = from[k] + (side - 1) * 1e-12;
      }
      Tape<double> tape(Mode::differentiate);
      const Var<double> in = input(tape, x, true), free = input(tape, raw, true);
      const auto out = run(tape, shape, in, free, inverse);
      for (std::size_t k = 0; k < from.size(); ++k) {
        for (int side = 0; side < 3; ++side) {
          const Index i = static_cast<Index>(3 * k) + side;
          CHECK(std::abs(out[0].value[i] - to[k]) < 1e-8);
          CHECK(std::abs(out[1].value[i] - (inverse ? -1 : 1) * std::log(knots.slope[k])) < 1e-6);
        }
      }
      out[0].adj().setConstant(1);
      out[1].adj().setConstant(1);
      tape.backward();
      CHECK(in.adj().allFinite());
      CHECK(free.adj().allFinite());
      // Outside the box the map is the identity.
      Matrix<double> far(4, 1);
      far << -1e6, -shape.bound - 1, shape.bound + 1, 1e6;
      const auto outside = run(tape, shape, input(tape, far), free, inverse);
      CHECK(same_bits<double>(outside[0].val(), far));
      CHECK(outside[1].val().isZero(0));
    }
  }
}

TEST_CASE("spline: raw = 0 is the identity, and raw numbers may be huge, whatever the kind") {
  std::vector<SplineShape> all(std::begin(shapes), std::end(shapes));
  all.insert(all.end(), {{SplineKind::linear, 6, 4.0}, {SplineKind::quadratic, 5, 3.0}, {SplineKind::cubic, 5, 3.0}, shapes[0]});
  all.back().periodic = true;
  for (const SplineShape& shape : all) {
    const Matrix<float> x = normals<float>(96, 1, 1, 0.7 * shape.bound);
    for (const bool inverse : {false, true}) {
      Tape<float> tape(Mode::differentiate);
      const Mapped<float> same = autodiff::spline_map(tape, shape, input(tape, x),
                                                      input<float>(tape, Matrix<float>::Zero(1, shape.parameters())), inverse);
      CHECK((same.value.val() - x).isZero(1e-5f));
      CHECK(same.log_det.val().isZero(1e-5f));
      const Var<float> in = input(tape, x, true), raw = input(tape, normals<float>(96, shape.parameters(), 6, 1e4), true);
      const Mapped<float> wild = autodiff::spline_map(tape, shape, in, raw, inverse);
      wild.value.adj().setConstant(1);
      wild.log_det.adj().setConstant(1);
      tape.backward();
      CHECK(wild.value.val().allFinite());
      CHECK(wild.log_det.val().allFinite());
      CHECK(in.adj().allFinite());
      CHECK(raw.adj().allFinite());
    }
  }
}

TEST_CASE("spline: a NaN stays one and harms no other row") {
  Matrix<double> x = normals<double>(96, 1, 1);
  const Matrix<double> raw = normals<double>(1, shapes[0].parameters(), 2);
  Tape<double> tape;
  const Matrix<double> clean = run(tape, shapes[0], input(tape, x), input(tape, raw), false)[0].val();
  x(5) = std::nan("");
  const Matrix<double> out = run(tape, shapes[0], input(tape, x), input(tape, raw), false)[0].val();
  CHECK(std::isnan(out(5)));
  CHECK(same_bits<double>(out.bottomRows(90), clean.bottomRows(90)));
}
