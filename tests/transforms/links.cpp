// What columns a map says it makes its columns of: against numeric Jacobians, and the log-dets that it then gives column by column.
#include "transforms/links.h"

#include <doctest/doctest.h>

#include <set>

#include "support/subject.h"

using namespace flowfit;
using namespace flowfit::test;
using transforms::Links;

TEST_CASE("links: composed, turned around and put into an order") {
  Links first = Links::each(3);
  first.looks[1][0] = true;
  Links next = Links::reordered({2, 0, 1});
  const Links both = next.after(first);
  CHECK(both.own == std::vector<int>{2, 0, 1});
  CHECK(both.looks[2][0]);
  CHECK(*both.order() == std::vector<int>{0, 1, 2});
  // Column 0 looking at what column 1 became, which looks at column 0, is no triangle.
  Links other = Links::each(3);
  other.looks[0][1] = true;
  CHECK_FALSE(other.after(first).order());
  CHECK(*other.order() == std::vector<int>{1, 2, 0});
  CHECK_FALSE(Links::all(2).order());
  CHECK(Links::all(1).order());

  Links chain = Links::each(3);
  chain.looks[1][0] = chain.looks[2][1] = true;
  const Links back = chain.turned();
  CHECK(back.looks[2][0]);
  CHECK(back.looks[2][1]);
  CHECK(back.looks[1][0]);
  CHECK_FALSE(back.looks[0][1]);
  CHECK(Links::reordered({2, 0, 1}).turned().own == std::vector<int>{1, 2, 0});
}

TEST_CASE("links: no column depends on one that it does not look at, and log-dets by column sum to the whole") {
  std::set<std::string> split;
  for (const Case& one : cases()) {
    Subject<double> subject(one);
    const Links links = subject.transform().links();
    if (one.features == 1 || !links.order()) continue;
    CAPTURE(one.name());
    split.insert(one.type);
    subject.perturb();
    const Matrix<double> x = subject.rows(true), context = subject.context();
    const Output<double> out = subject.run(true, x, context);
    Tape<double> tape;
    nn::Pass<double> pass{tape, subject.parameters.data()};
    pass.by_column = true;
    const Var<double> given = context.cols() == 0 ? Var<double>{} : input(tape, context);
    const Mapped<double> by_column = subject.apply(pass, input(tape, x), given, true);
    REQUIRE(by_column.log_det.cols == x.cols());
    CHECK((by_column.value.val() - out.value).cwiseAbs().maxCoeff() == 0);
    CHECK((by_column.log_det.val().rowwise().sum() - out.log_det).cwiseAbs().maxCoeff() <= 1e-12);
    constexpr double step = 1e-6;
    for (Index j = 0; j < x.cols(); ++j) {
      Matrix<double> above = x, below = x;
      above.col(j).array() += step;
      below.col(j).array() -= step;
      const Matrix<double> slope =
          (subject.run(true, above, context).value - subject.run(true, below, context).value) / (2 * step);
      for (Index i = 0; i < x.cols(); ++i) {
        const auto out_column = static_cast<std::size_t>(i);
        if (links.own[out_column] == j) {
          const auto off = (slope.col(i).cwiseAbs().array().log() - by_column.log_det.val().col(i).array()).abs();
          // Where a knot lies within the step a difference says little: not in most rows.
          CHECK((off < 1e-3).count() > block * 9 / 10);
        } else if (!links.looks[out_column][static_cast<std::size_t>(j)]) {
          CHECK(slope.col(i).cwiseAbs().maxCoeff() == 0);
        }
      }
    }
  }
  if (!filtered()) CHECK(split.size() >= 8);
}
