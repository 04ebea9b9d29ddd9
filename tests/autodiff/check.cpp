// The vjp checker finds each kind of wrong op, and passes a right one.
#include "autodiff/check.h"

#include <doctest/doctest.h>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;

namespace {

enum class Fault { none, scale, one_entry, overwrites, mode, nan };

Var<double> square(Tape<double>& tape, Var<double> x, Fault fault) {
  const Var<double> y = tape.make(x.rows, x.cols, x.wants_grad());
  y.val_array() = x.val_array().square();
  if (fault == Fault::mode && tape.differentiates()) y.value[0] += 1e-15;
  if (y.wants_grad()) {
    tape.on_backward([=] {
      const double factor = fault == Fault::scale ? 2.00001 : 2;
      if (fault == Fault::overwrites)
        x.adj_array() = factor * y.adj_array() * x.val_array();
      else
        x.adj_array() += factor * y.adj_array() * x.val_array();
      if (fault == Fault::one_entry) x.adjoint[3] += 1e-3;
      if (fault == Fault::nan) x.adjoint[3] = std::nan("");
    });
  }
  return y;
}

std::string checked(Fault fault, int directions = 0) {
  return autodiff::check_vjp(
      [=](Tape<double>& tape, std::span<const Var<double>> in) { return std::vector<Var<double>>{square(tape, in[0], fault)}; },
      {normals<double>(4, 3, 1)}, {.directions = directions});
}

}  // namespace

TEST_CASE("check: a right vjp passes, entry by entry and along directions") {
  CHECK(checked(Fault::none) == "");
  CHECK(checked(Fault::none, 3) == "");
}

TEST_CASE("check: a wrong one is told where") {
  CHECK(checked(Fault::scale).substr(0, 14) == "input 0, entry");
  CHECK(checked(Fault::scale, 2).substr(0, 18) == "input 0, direction");
  CHECK(checked(Fault::one_entry).find("entry (3, 0)") != std::string::npos);
  CHECK(checked(Fault::one_entry, 2) != "");
  CHECK(checked(Fault::overwrites) != "");
  CHECK(checked(Fault::nan) != "");
  CHECK(checked(Fault::nan, 1) != "");
  CHECK(checked(Fault::mode) == "output 0: evaluate and differentiate differ");
}
