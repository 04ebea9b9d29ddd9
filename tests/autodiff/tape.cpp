// The tape: order of the way back, modes, reset.
#include "autodiff/tape.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

TEST_CASE("tape: closures run last first, and once") {
  Tape<double> tape(Mode::differentiate);
  int* order = tape.scratch<int>(4);
  int* count = tape.scratch<int>(1);
  *count = 0;
  for (int i = 0; i < 3; ++i) tape.on_backward([=] { order[(*count)++] = i; });
  tape.backward();
  CHECK(*count == 3);
  CHECK((order[0] == 2 && order[1] == 1 && order[2] == 0));
  tape.backward();
  CHECK(*count == 3);
}

TEST_CASE("tape: an adjoint exists where one is wanted and the mode differentiates, and starts at zero") {
  Tape<float> tape(Mode::differentiate);
  CHECK(!tape.make(2, 3, false).wants_grad());
  const Var<float> x = tape.make(2, 3, true);
  REQUIRE(x.wants_grad());
  CHECK(x.adj().isZero(0));
  x.adj().setConstant(7);
  tape.reset(Mode::differentiate);
  CHECK(tape.make(2, 3, true).adj().isZero(0));  // memory that has been used
  tape.reset(Mode::evaluate);
  CHECK(!tape.differentiates());
  CHECK(!tape.make(2, 3, true).wants_grad());
}

TEST_CASE("tape: reset forgets the closures") {
  Tape<double> tape(Mode::differentiate);
  int calls = 0;
  tape.on_backward([&calls] { ++calls; });
  tape.reset(Mode::differentiate);
  tape.backward();
  CHECK(calls == 0);
}

TEST_CASE("var: a range of columns is a Var again") {
  Tape<double> tape(Mode::differentiate);
  const Var<double> x = input(tape, normals<double>(4, 5, 1), true);
  const Var<double> part = x.columns(1, 3);
  CHECK(same_bits<double>(part.val(), x.val().middleCols(1, 3)));
  part.adj().setConstant(1);
  CHECK(x.adj().sum() == 12);
  CHECK(Var<double>{}.empty());
}
