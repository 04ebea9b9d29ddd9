// The affine maps: values against the formulas of each scale, products against differences, both directions, free and by row.
#include "autodiff/ops/affine.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using autodiff::Scale;

namespace {

constexpr Scale scales[] = {Scale::softclip, Scale::exp, Scale::softplus, Scale::sigmoid};

// Straight from the header's formulas.
double plain_scale(Scale scale, double u) {
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  switch (scale) {
    case Scale::softclip:
      return std::exp(u / (1 + std::abs(u / std::log(1e-3))));
    case Scale::exp:
      return std::exp(std::clamp(u, -5.0, 3.0));
    case Scale::softplus:
      return std::log(1 + std::exp(u + std::log(std::expm1(1 - 1e-3)))) + 1e-3;
    case Scale::sigmoid:
      return (sigmoid(u + 2) + 1e-3) / (sigmoid(2) + 1e-3);
  }
  return 0;
}

}  // namespace

TEST_CASE("affine: value and log_det are the formulas', and the scale is 1 at 0") {
  for (const Scale scale : scales) {
    CAPTURE(static_cast<int>(scale));
    CHECK(std::abs(plain_scale(scale, 0) - 1) < 1e-12);
    for (const Index raw_rows : {6, 1}) {
      const Matrix<double> x = normals<double>(6, 2, 1), raw = normals<double>(raw_rows, 4, 2, 3.0);
      Tape<double> tape;
      const Mapped<double> m = autodiff::affine_map(tape, input(tape, x), input(tape, raw), scale, false);
      const Mapped<double> back = autodiff::affine_map(tape, m.value, input(tape, raw), scale, true);
      CHECK((back.value.val() - x).isZero(1e-10));
      CHECK((back.log_det.val() + m.log_det.val()).isZero(1e-14));
      for (Index i = 0; i < 6; ++i) {
        for (Index d = 0; d < 2; ++d) {
          const Index r = raw_rows == 1 ? 0 : i;
          const double s = plain_scale(scale, raw(r, 2 * d + 1));
          CHECK(m.value.val()(i, d) == doctest::Approx(s * x(i, d) + raw(r, 2 * d)).epsilon(1e-12));
          CHECK(m.log_det.val()(i, d) == doctest::Approx(std::log(s)).epsilon(1e-12));
        }
      }
    }
  }
}

TEST_CASE("affine: scales stay in their bounds") {
  for (const Scale scale : scales) {
    Matrix<float> raw(2, 2);
    raw << 0, 1e6f, 0, -1e6f;
    Tape<float> tape;
    const Mapped<float> m =
        autodiff::affine_map(tape, input<float>(tape, Matrix<float>::Ones(2, 1)), input(tape, raw), scale, false);
    CHECK(m.value.val().allFinite());
    CHECK(m.log_det.val().allFinite());
    if (scale == Scale::softclip) CHECK(std::abs(m.log_det.value[0] + std::log(1e-3f)) < 1e-3f);
    if (scale == Scale::exp) CHECK(m.log_det.value[0] == 3.0f);
  }
}

TEST_CASE("affine: gradients are those of differences") {
  for (const bool inverse : {false, true}) {
    for (const Index raw_rows : {6, 1}) {
      for (const Scale scale : scales) {
        const auto run = [=](Tape<double>& t, std::span<const Var<double>> in) {
          const Mapped<double> m = autodiff::affine_map(t, in[0], in[1], scale, inverse);
          return std::vector<Var<double>>{m.value, m.log_det};
        };
        CHECK(autodiff::check_vjp(run, {normals<double>(6, 2, 1), normals<double>(raw_rows, 4, 2)}) == "");
      }
      const auto shift = [=](Tape<double>& t, std::span<const Var<double>> in) {
        const Mapped<double> m = autodiff::shift_map(t, in[0], in[1], inverse);
        return std::vector<Var<double>>{m.value, m.log_det};
      };
      CHECK(autodiff::check_vjp(shift, {normals<double>(6, 2, 1), normals<double>(raw_rows, 2, 2)}) == "");
    }
  }
}
