// Strict, typed reading of a config: values, messages, the resolved form.
#include "config/node.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "../core/scratch.h"
#include "core/error.h"

using namespace flowfit;
using config::Document;
using config::Json;
using config::Node;

namespace {

Document document(std::string_view text) { return Document(config::parse_json(text, "c.json")); }
std::string errors(const Document& config) {
  return test::thrown<core::ConfigError>([&] { config.check(); });
}

}  // namespace

TEST_CASE("node: getters return what is there, or the default, and resolve both") {
  const Document config =
      document(R"({"steps": 1e3, "rate": 2, "name": "a", "on": true, "none": null, "widths": [1, 2.0], "scales": [1, 0.5]})");
  const Node root = config.root();
  CHECK(root.integer("steps", 5, 1, 10000) == 1000);
  CHECK(root.number("rate", 0.5) == 2.0);
  CHECK(root.string("name", "b") == "a");
  CHECK(root.boolean("on", false));
  CHECK(!root.number_or_null("none", 1.0));
  CHECK(root.integers("widths", {}, 1, 10) == std::vector<int>{1, 2});
  CHECK(root.numbers("scales", {}) == std::vector<double>{1.0, 0.5});
  CHECK(root.integer("bins", 8, 2, 256) == 8);
  CHECK(root.integer_or_null("patience", std::nullopt, 1, 10) == std::nullopt);
  CHECK(root.integer_or_null("other", 3, 1, 10) == 3);
  CHECK(root.strings("columns", {"x", "y"}) == std::vector<std::string>{"x", "y"});
  CHECK(root.choice("kind", "linear", {"linear", "cubic"}) == "linear");
  CHECK(root.seed("seed", 7) == 7);
  root.finish();
  CHECK(config.ok());
  CHECK_NOTHROW(config.check());
  CHECK(
      config::print_json(config.resolved()) ==
      R"({"steps":1000,"rate":2.0,"name":"a","on":true,"none":null,"widths":[1,2],"scales":[1.0,0.5],"bins":8,"patience":null,"other":3,)"
      R"("columns":["x","y"],"kind":"linear","seed":7})");
}

TEST_CASE("node: the resolved form resolves to itself") {
  const auto read = [](const Document& config) {
    const Node train = config.root().member("train");
    train.integer("steps", 5000, 1, 1000000);
    train.member("optimizer").number("learning_rate", 1e-3);
    train.member("optimizer").choice("type", "adam", {"adam", "sgd"});
    return config::print_json(config.resolved());
  };
  const std::string once = read(document(R"({"train": {"optimizer": {"type": "sgd"}}})"));
  CHECK(once == R"({"train":{"optimizer":{"type":"sgd","learning_rate":0.001},"steps":5000}})");
  const std::string none = read(document("{}"));
  CHECK(none == R"({"train":{"steps":5000,"optimizer":{"learning_rate":0.001,"type":"adam"}}})");
  CHECK(read(document(none)) == none);
}

TEST_CASE("node: numbers out of range and of the wrong kind") {
  const Document config = document(
      R"({"k": -1, "bins": 1, "a": 0, "b": 0, "c": 9, "d": 3.7, "e": "abc", "f": "12", "g": 0, "h": 3000000000, "i": [], "j": {}})");
  const Node root = config.root();
  root.integer("k", 1, 0, std::numeric_limits<int>::max());
  CHECK(root.integer("bins", 8, 2, 256) == 8);
  CHECK(root.number("a", 1.0, {0.0, 1e300, true}) == 1.0);
  root.number("b", 1.0, {1.0});
  root.number("c", 1.0, {-1e300, 5.0});
  root.integer("d", 1, 0, 10);
  root.integer("e", 1, 0, 10);
  root.number("f", 1.0);
  root.number("g", 0.5, {0.0, 1.0, true});
  root.integer("h", 1, 0, std::numeric_limits<int>::max());
  root.number("i", 1.0);
  root.number("j", 1.0);
  CHECK(errors(config) ==
        "/k: must be at least 0, got -1\n"
        "/bins: must be in [2, 256], got 1\n"
        "/a: must be > 0, got 0\n"
        "/b: must be at least 1, got 0\n"
        "/c: must be at most 5, got 9\n"
        "/d: expected a whole number, got 3.7\n"
        "/e: expected a whole number, got \"abc\"\n"
        "/f: expected a number, got \"12\"; write it without quotes\n"
        "/g: must be in (0, 1], got 0\n"
        "/h: must be in [0, 2147483647], got 3000000000\n"
        "/i: expected a number, got an empty list\n"
        "/j: expected a number, got an object");
}

TEST_CASE("node: seeds use all 64 bits") {
  const auto seed = [](const char* text) {
    const Document config = document(std::string("{\"seed\": ") + text + "}");
    const std::uint64_t value = config.root().seed("seed", 42);
    return config.ok() ? std::to_string(value) : errors(config);
  };
  CHECK(seed("18446744073709551615") == "18446744073709551615");
  CHECK(seed("0") == "0");
  CHECK(seed("1e3") == "1000");
  CHECK(seed("-1") == "/seed: must be a whole number in [0, 18446744073709551615], got -1");
  CHECK(seed("18446744073709551616") == "/seed: must be a whole number in [0, 18446744073709551615], got 18446744073709551616");
  CHECK(seed("1.5").ends_with("got 1.5"));
  CHECK(seed("\"7\"").ends_with("got \"7\"; write it without quotes"));
  CHECK(seed("null").ends_with("got null"));
}

TEST_CASE("node: unknown keys, with a suggestion among those asked for") {
  const Document config = document(R"({"train": {"stepz": 1, "zzz": 2, "seed": 3}, "flow/x": 1})");
  const Node train = config.root().member("train");
  train.integer("steps", 1, 1, 10);
  CHECK(train.has("seed"));
  train.finish();
  config.root().finish();
  CHECK(errors(config) ==
        "/train/stepz: unknown key; did you mean \"steps\"?\n"
        "/train/zzz: unknown key; known: steps, seed\n"
        "/flow~1x: unknown key; known: train");
}

TEST_CASE("node: choices") {
  const std::vector<std::string> types = {"adam", "sgd"};
  const Document config = document(R"({"a": "adm", "b": "lion", "c": 3, "d": {}})");
  const Node root = config.root();
  CHECK(root.choice("a", "sgd", types) == "sgd");
  root.choice("b", "sgd", types);
  root.choice("c", "sgd", types);
  CHECK(root.required_choice("d", types) == "");
  CHECK(root.required_choice("e", types) == "");
  CHECK(errors(config) ==
        "/a: expected one of \"adam\", \"sgd\", got \"adm\"; did you mean \"adam\"?\n"
        "/b: expected one of \"adam\", \"sgd\", got \"lion\"\n"
        "/c: expected one of \"adam\", \"sgd\", got 3\n"
        "/d: expected one of \"adam\", \"sgd\", got an object\n"
        "/e: required key is missing; expected one of \"adam\", \"sgd\"");
}

TEST_CASE("node: a wrong kind of object is one error, however much is asked of it") {
  const Document config = document(R"({"train": 3, "net": "dense", "flow": {}})");
  const Node train = config.root().member("train");
  train.integer("steps", 1, 1, 10);
  train.number("rate", 1.0);
  train.member("optimizer").string("type", "adam");
  train.required("x");
  CHECK(!train.expect_object());
  train.finish();
  const Node net = config.root().member("net");
  net.error("expected an object or null");
  net.string("type", "dense");
  CHECK(config.root().member("flow").elements().empty());
  CHECK(errors(config) ==
        "/train: expected an object, got 3\n"
        "/net: expected an object or null, got \"dense\"\n"
        "/flow: expected a list, got an object");
  CHECK(config.errors() == 3);
}

TEST_CASE("node: missing nodes are quiet, required keys are not") {
  const Document config = document("{}");
  const Node none = config.root().member("a").member("b");
  CHECK(!none.exists());
  CHECK(!none.is_null());
  CHECK(none.path() == "/a/b");
  CHECK(none.elements().empty());
  CHECK(!none.as_number());
  CHECK(!none.as_string());
  CHECK(none.keys().empty());
  CHECK(none.required_choice("c", {}) == "");
  CHECK(!none.required("d").exists());
  CHECK(config.ok());
  CHECK(config::print_json(config.resolved()) == "{}");
  config.root().required("flow");
  config.root().required("flow");
  CHECK(errors(config) == "/flow: required key is missing");
}

TEST_CASE("node: lists name the element that is wrong") {
  const Document config = document(R"({"a": [1, "x", 0], "b": 3, "c": ["x", 1], "d": [0.5, -1], "flow": [{"bins": 0}, 7]})");
  const Node root = config.root();
  CHECK(root.integers("a", {9}, 1, 5) == std::vector<int>{9});
  CHECK(root.integers("a", {9}, 1, 5) == std::vector<int>{9});
  CHECK(root.numbers("b", {1.0}) == std::vector<double>{1.0});
  CHECK(root.strings("c", {}).empty());
  CHECK(root.numbers("d", {}, {0.0}).empty());
  for (const Node& layer : root.member("flow").elements()) layer.integer("bins", 8, 1, 9);
  CHECK(errors(config) ==
        "/a/1: expected a whole number, got \"x\"\n"
        "/a/2: must be in [1, 5], got 0\n"
        "/b: expected a list, got 3\n"
        "/c/1: expected a string, got 1\n"
        "/d/1: must be at least 0, got -1\n"
        "/flow/0/bins: must be in [1, 9], got 0\n"
        "/flow/1: expected an object, got 7");
}

TEST_CASE("node: custom errors and resolutions") {
  const Document config = document(R"({"columns": ["x"], "batch": "full", "o": {}})");
  const Node root = config.root();
  CHECK(root.path() == "/");
  root.error("needs one of flow, factors", "see the docs");
  root.member("batch").error("must be a number or \"all\"");
  root.error_at("flow", "not with factors");
  root.member("o").error("expected more");
  CHECK(errors(config) ==
        "/: needs one of flow, factors; see the docs\n"
        "/batch: must be a number or \"all\", got \"full\"\n"
        "/flow: not with factors\n"
        "/o: expected more");
  const Node column = root.member("columns").elements().front();
  Json object;
  object["name"] = "x";
  column.resolve(object);
  column.resolve("scale", 2.0);
  root.member("batch").resolve(96);
  root.resolve("new~/key", true);
  CHECK(config::print_json(config.resolved()) == R"({"columns":[{"name":"x","scale":2.0}],"batch":96,"o":{},"new~/key":true})");
}

TEST_CASE("node: a hostile key makes no second line") {
  const Document config = document("{\"a\\n\\u001b[31m\": 1}");
  config.root().finish();
  CHECK(errors(config) == "/a\\x0a\\x1b[31m: unknown key");
}

TEST_CASE("node: a root that is not an object") {
  const Document config = document("[1]");
  config.root().integer("a", 1, 0, 2);
  config.root().finish();
  CHECK(errors(config) == "/: expected an object, got a list");
}
