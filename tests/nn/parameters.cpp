// The parameter vector: places, names, masks, and starts that depend on the seed alone.
#include "nn/parameters.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace flowfit;
using nn::ParameterLayout;

TEST_CASE("parameters: slots follow each other on 64-byte lines") {
  ParameterLayout layout;
  const nn::Slot weight = layout.matrix("a.weight", 3, 5, nn::uniform(1)), bias = layout.vector("a.bias", {3}, nn::zeros()),
                 raw = layout.vector("raw", {2, 7}, nn::values(std::vector<double>(14, 0.5)));
  CHECK((weight.offset == 0 && weight.rows == 5 && weight.cols == 3));
  CHECK((bias.offset == 16 && bias.rows == 1 && bias.cols == 3));
  CHECK((raw.offset == 32 && raw.cols == 14));
  CHECK(layout.size() == 48);
  CHECK(layout.parameters()[0].shape == std::vector<autodiff::Index>{3, 5});
  CHECK(layout.parameters()[2].name == "raw");
  CHECK((layout.parameters()[0].decays && !layout.parameters()[1].decays));
}

TEST_CASE("parameters: a start is of the seed, within its limits, and zero beyond a mask") {
  ParameterLayout layout;
  layout.matrix("a", 4, 5, nn::uniform(0.25), {0, 1, 3, 5});
  layout.matrix("b", 4, 5, nn::uniform(0.25));
  const std::vector<double> one = layout.initial(1);
  CHECK(one == layout.initial(1));
  CHECK(one != layout.initial(2));
  const int free[] = {0, 1, 3, 5};
  for (std::size_t j = 0; j < 4; ++j) {
    for (int i = 0; i < 5; ++i) {
      const double v = one[j * 5 + static_cast<std::size_t>(i)];
      CHECK((v != 0) == (i < free[j]));
      CHECK(std::abs(v) <= 0.25);
    }
  }
  CHECK(one[19] != one[32 + 19]);  // each parameter draws from a stream of its own
}

TEST_CASE("parameters: ranges of draws do not overlap and begin at an even place") {
  ParameterLayout layout;
  CHECK(layout.reserve_draws(3) == 0);
  CHECK(layout.reserve_draws(2) == 4);
  CHECK(layout.reserve_draws(1) == 6);
  CHECK(layout.reserve_draws(1) == 8);
}
