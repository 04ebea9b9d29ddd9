// Tapes that are taken, given back and taken again.
#include "nn/spare_tapes.h"

#include <doctest/doctest.h>

using namespace flowfit;

TEST_CASE("spare tapes: what was given back is handed out again, what is missing is made, and nobody shares one") {
  nn::SpareTapes<double> spare;
  auto first = spare.take(2);
  REQUIRE(first.size() == 2);
  const auto* one = first[0].get();
  const auto* two = first[1].get();
  CHECK(one != two);
  auto meanwhile = spare.take(1);
  CHECK(meanwhile[0].get() != one);
  CHECK(meanwhile[0].get() != two);
  spare.give_back(std::move(first));
  const auto again = spare.take(3);
  REQUIRE(again.size() == 3);
  CHECK((again[0].get() == one || again[0].get() == two));
  CHECK((again[1].get() == one || again[1].get() == two));
  CHECK(again[0].get() != again[1].get());
  CHECK(again[2].get() != nullptr);
}
