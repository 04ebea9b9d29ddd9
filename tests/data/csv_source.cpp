// The window of bytes: growth, and the bytes it finds.
#include "data/csv_source.h"

#include <doctest/doctest.h>

#include "../core/scratch.h"

using namespace flowfit;

TEST_CASE("csv_source: the window keeps what is not consumed, and grows to hold it") {
  std::string text(1500000, 'a');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('b' + i / 1000 % 20);
  text[1000000] = '"';
  const test::Scratch scratch;
  data::CsvSource source(std::make_unique<data::Input>(scratch.write("t", text)));
  CHECK(source.begin() == source.end());
  while (source.fill()) {
  }
  CHECK(source.at_end());
  CHECK(!source.fill());
  CHECK((std::string(source.begin(), source.end()) == text));
  CHECK(source.quote() == source.begin() + 1000000);
  CHECK(source.nul() == source.end());
  source.consume(source.begin() + 1000001);
  CHECK(source.quote() == source.end());
  CHECK(source.carriage_return() == source.end());
  CHECK(source.ready());
}
