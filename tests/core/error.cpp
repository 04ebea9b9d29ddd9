// The grammar of messages and the exit code of each error type.
#include "core/error.h"

#include <doctest/doctest.h>

using namespace flowfit::core;

TEST_CASE("error: message leaves empty parts out") {
  CHECK(message("a.csv:7:2", "expected a number", "\"x\"", "drop the row") ==
        "a.csv:7:2: expected a number, got \"x\"; drop the row");
  CHECK(message("a.csv", "expected a number", "\"x\"") == "a.csv: expected a number, got \"x\"");
  CHECK(message("a.csv", "no column", "", "known: b") == "a.csv: no column; known: b");
  CHECK(message("", "expected a number", "3") == "expected a number, got 3");
  CHECK(message("a.csv", "", "3") == "a.csv: got 3");
}

TEST_CASE("error: every type carries its exit code") {
  CHECK(ConfigError("x").exit() == Exit::usage);
  CHECK(DataError("x").exit() == Exit::data);
  CHECK(ModelError("x").exit() == Exit::model);
  CHECK(DivergedError("x").exit() == Exit::diverged);
  CHECK(IoError("x").exit() == Exit::io);
  CHECK(static_cast<int>(Exit::check) == 7);
  try {
    throw DataError("a cell");
  } catch (const Error& error) {
    CHECK(error.exit() == Exit::data);
    CHECK(std::string(error.what()) == "a cell");
  }
}
