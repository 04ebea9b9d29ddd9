// Every transform, both dtypes: a row's bits do not depend on its neighbours or on the mode; extreme rows and knots give finite numbers.
#include <doctest/doctest.h>

#include <cmath>

#include "support/allocations.h"
#include "support/subject.h"
#include "transforms/univariate.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

template <class T>
void bits() {
  for (const Case& one : cases()) {
    Subject<T> subject(one);
    subject.perturb();
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      const Matrix<T> x = subject.rows(inverse), context = subject.context();
      const Output<T> whole = subject.run(inverse, x, context);
      const Output<T> differentiated = subject.run(inverse, x, context, Mode::differentiate);
      CHECK(same_bits(whole.value, differentiated.value));
      CHECK(same_bits(whole.log_det, differentiated.log_det));
      // Every row elsewhere in the block, among rows of which half are others.
      const Index shift = 37;
      Matrix<T> moved = subject.rows(inverse, 11), moved_context = subject.context(12);
      for (Index i = 0; i < block; i += 2) {
        moved.row((i + shift) % block) = x.row(i);
        if (one.context > 0) moved_context.row((i + shift) % block) = context.row(i);
      }
      const Output<T> other = subject.run(inverse, moved, moved_context);
      Matrix<T> back = whole.value, back_log_det = whole.log_det;
      for (Index i = 0; i < block; i += 2) {
        back.row(i) = other.value.row((i + shift) % block);
        back_log_det.row(i) = other.log_det.row((i + shift) % block);
      }
      CHECK(same_bits(whole.value, back));
      CHECK(same_bits(whole.log_det, back_log_det));
      // The same rows in two blocks.
      const Matrix<T> twice = x.replicate(2, 1), twice_context = context.replicate(2, 1);
      const Output<T> large = subject.run(inverse, twice, twice_context);
      CHECK(same_bits<T>(large.value.bottomRows(block), whole.value));
      CHECK(same_bits<T>(large.log_det.bottomRows(block), whole.log_det));
    }
  }
}

template <class T>
bool all_finite(const Output<T>& out) {
  for (const T g : out.gradient) {
    if (!std::isfinite(g)) return false;
  }
  return out.value.allFinite() && out.log_det.allFinite() && out.x_gradient.allFinite() && out.context_gradient.allFinite();
}

template <class T>
void extremes() {
  for (const Case& one : cases()) {
    for (const bool perturbed : {false, true}) {
      Subject<T> subject(one);
      if (perturbed) subject.perturb();
      for (const bool inverse : {false, true}) {
        CAPTURE(one.name());
        CAPTURE(inverse);
        CAPTURE(perturbed);
        Matrix<T> x = subject.rows(inverse);
        for (Index i = 0; i < block; ++i) {
          for (Index j = 0; j < x.cols(); ++j) {
            const double grid = static_cast<double>(i - block / 2) / 8;
            x(i, j) = subject.inside(inverse, i < 8 ? (i >> (j % 3) & 1 ? 1e6 : -1e6) : grid);
          }
        }
        CHECK(all_finite(subject.run(inverse, x, subject.context(), Mode::differentiate)));
      }
    }
  }
}

}  // namespace

TEST_CASE("properties: batch = its parts and evaluate = differentiate, bit for bit, in float64") { bits<double>(); }
TEST_CASE("properties: batch = its parts and evaluate = differentiate, bit for bit, in float32") { bits<float>(); }
TEST_CASE("properties: finite at ±1e6, zero and knots, in float64") { extremes<double>(); }
TEST_CASE("properties: finite at ±1e6, zero and knots, in float32") { extremes<float>(); }

TEST_CASE("properties: a univariate's raw numbers may be huge, in float32") {
  for (const transforms::UnivariateEntry& entry : transforms::univariates()) {
    for (const std::string& example : entry.examples) {
      config::Document document(config::Json::parse(example));
      const auto univariate = transforms::make_univariate<float>(document.root());
      for (const double scale : {30.0, 1e5}) {
        for (const bool inverse : {false, true}) {
          CAPTURE(example);
          CAPTURE(scale);
          CAPTURE(inverse);
          Tape<float> tape(Mode::differentiate);
          nn::Pass<float> pass{tape};
          Matrix<float> rows = normals<float>(block, 2, 1, 4.0);
          rows.topRows(4) *= 1e3f;
          const Var<float> x = input(tape, rows, true),
                           raw = input(tape, normals<float>(block, 2 * univariate->parameters(), 2, scale), true);
          const Mapped<float> m = inverse ? univariate->inverse(pass, x, raw) : univariate->forward(pass, x, raw);
          m.value.adj().setConstant(1);
          if (m.log_det.wants_grad()) m.log_det.adj().setConstant(1);
          tape.backward();
          CHECK(m.value.val().allFinite());
          CHECK(m.log_det.val().allFinite());
          CHECK(x.adj().allFinite());
          CHECK(raw.adj().allFinite());
        }
      }
    }
  }
}

TEST_CASE("properties: outside the support, log_det is −inf beside a finite value, without gradient") {
  int met = 0;
  for (const Case& one : cases()) {
    const Subject<float> subject(one);
    for (const bool inverse : {false, true}) {
      const Support support = subject.input_support(inverse);
      for (const double outside : {support.low, support.low - 1, support.high, support.high + 1}) {
        if (std::isinf(outside)) continue;
        ++met;
        CAPTURE(one.name());
        CAPTURE(outside);
        Matrix<float> x = subject.rows(inverse);
        x.col(0).setConstant(static_cast<float>(outside));
        const Output<float> out = subject.run(inverse, x, subject.context(), Mode::differentiate);
        CHECK(out.value.allFinite());
        CHECK((out.log_det.array() == -std::numeric_limits<float>::infinity()).all());
        CHECK(out.x_gradient.allFinite());
        CHECK(out.x_gradient.col(0).isZero(0));
      }
    }
  }
  CHECK((filtered() || met > 0));
}

TEST_CASE("properties: a warm pass, forth and back, makes no heap allocation") {
  for (const Case& one : cases()) {
    const Subject<float> subject(one);
    const Matrix<float> context = subject.context();
    Tape<float> tape;
    std::vector<float> gradient(subject.parameters.size(), 0.0f);
    for (const bool inverse : {false, true}) {
      CAPTURE(one.name());
      CAPTURE(inverse);
      const Matrix<float> x = subject.rows(inverse);
      std::size_t before = 0;
      for (int round = 0; round < 4; ++round) {
        if (round == 3) before = allocations();
        tape.reset(Mode::differentiate);
        nn::Pass<float> pass{tape, subject.parameters.data(), gradient.data()};
        const Mapped<float> m =
            subject.apply(pass, input(tape, x, true), context.cols() == 0 ? Var<float>{} : input(tape, context, true), inverse);
        if (m.value.wants_grad()) m.value.adj().setConstant(1);
        if (m.log_det.wants_grad()) m.log_det.adj().setConstant(1);
        tape.backward();
      }
      CHECK(allocations() == before);
    }
  }
}
