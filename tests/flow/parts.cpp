// A model's two parts multiply to the whole, and the check of categories finds what is wrong with them.
#include "flow/parts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "flow/check.h"
#include "flow/expand.h"
#include "flow/typed_model.h"
#include "support/subject.h"

using namespace flowfit;

namespace {

const char* const layers = R"([
  {"type": "autoregressive", "univariate": {"type": "spline", "bins": 4}, "order": "random", "net": {"hidden": [8], "activation": "tanh"}},
  {"type": "permutation", "order": "random"},
  {"type": "elementwise", "univariate": {"type": "affine"}, "net": {"hidden": [5], "activation": "tanh"}}])";

/// `columns` out of: x and y numbers, k whole numbers, w on a circle, c and d categories; given g, a number, and h, a category.
std::unique_ptr<flow::TypedModel<double>> made(const std::string& columns, const std::string& rest) {
  const std::string config = R"({"data": {"columns": )" + columns +
                             R"(, "context": ["g", {"name": "h", "kind": "categorical"}]}, )" +
                             R"("categorical": {"hidden": [6], "activation": "tanh"}, )" + rest + "}";
  const config::Document document = flow::expand(config::Json::parse(config));
  flow::Settings settings = flow::Settings::read(document.root(), {});
  const auto column = [](data::ColumnSpec& spec) {
    data::Column made{.name = spec.name, .loc = 3, .scale = 2, .kind = spec.kind};
    if (spec.kind == data::Kind::integer) made.least = -20, made.most = 20;
    if (spec.kind == data::Kind::periodic) made.low = 10, made.high = 22, made.cut = 5;
    if (spec.kind == data::Kind::categorical) {
      made.categories = {"red", "green", "blue"};
      if (spec.name == "d") made.categories.push_back("none");
      made.loc = 0, made.scale = 1;
    }
    spec.categories = made.categories;
    return made;
  };
  data::Schema schema;
  for (data::ColumnSpec& spec : settings.column_specs) schema.columns.push_back(column(spec));
  for (data::ColumnSpec& spec : settings.context_specs) schema.context.push_back(column(spec));
  auto model = std::make_unique<flow::TypedModel<double>>(document, settings, schema);
  document.check();
  test::perturb(model->layout(), model->weights(), 0.3);
  model->set_config(config::print_json(document.resolved()));
  return model;
}

const char* const mixed =
    R"(["x", {"name": "c", "kind": "categorical"}, {"name": "k", "kind": "integer"}, {"name": "d", "kind": "categorical"}, {"name": "w", "kind": "periodic", "low": 10, "period": 12}])";

flow::ModelCheck checked(const flow::Model* categories, const flow::Model* numbers) {
  core::ThreadPool pool(2);
  return flow::check_model({categories, numbers, numbers}, pool);
}

std::string failures(const flow::ModelCheck& check) {
  std::string all;
  for (const auto& [name, figure] : check.figures())
    if (!figure.ok()) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

/// Categories with one thing wrong.
class Wrong final : public flow::Model {
 public:
  enum Fault { none, sums, draws };
  Wrong(const flow::Model& right, Fault fault) : Model(right.schema()), right_(right), fault_(fault) {}

  std::vector<ParameterInfo> parameters() const override { return right_.parameters(); }
  bool float64() const override { return true; }
  Traits traits() const override { return right_.traits(); }
  void log_prob(const data::Columns& x, const data::Columns& c, std::span<double> out, core::ThreadPool& pool) const override {
    right_.log_prob(x, c, out, pool);
  }
  data::Columns log_prob_by_column(const data::Columns& x, const data::Columns& c, std::size_t n,
                                   core::ThreadPool& pool) const override {
    data::Columns terms = right_.log_prob_by_column(x, c, n, pool);
    if (fault_ == sums) terms[1][n / 2] += 1e-6;
    return terms;
  }
  data::Columns sample(std::uint64_t seed, std::span<const std::uint64_t> places, const data::Columns& c,
                       core::ThreadPool& pool) const override {
    data::Columns codes = right_.sample(seed, places, c, pool);
    for (std::size_t i = 0; i < places.size() && fault_ == draws; i += 5) codes[1][i] = 1;
    return codes;
  }
  data::Columns encode(const data::Columns& x, const data::Columns&, std::span<double>, core::ThreadPool&) const override {
    return x;
  }
  data::Columns decode(const data::Columns& z, const data::Columns&, std::span<double>, core::ThreadPool&) const override {
    return z;
  }
  Gradient gradient(const data::Columns& x, const data::Columns& c) const override { return right_.gradient(x, c); }
  void log_prob_moved(std::span<const double> move, const data::Columns& x, const data::Columns& c, std::span<double> out,
                      core::ThreadPool& pool) const override {
    right_.log_prob_moved(move, x, c, out, pool);
  }

 private:
  const flow::Model& right_;
  Fault fault_;
};

}  // namespace

TEST_CASE("parts: categories, and numbers given them, multiply to the whole, of one flow and of factors") {
  const std::string factors =
      R"("factors": [{"columns": ["w"], "context": ["d", "h"], "flow": [{"type": "elementwise", "univariate": {"type": "affine"}, "net": {"hidden": [4]}}]},
      {"columns": ["k", "x"], "context": ["w", "c", "g"], "flow": )" +
      std::string(layers) + "}]";
  for (const std::string& rest : {R"("flow": )" + std::string(layers), factors}) {
    CAPTURE(rest);
    const auto whole = made(mixed, rest);
    const flow::Parts parts = flow::make_parts(whole->archive(), "model", true);
    REQUIRE(parts.categories);
    REQUIRE(parts.numbers);
    CHECK(parts.categories->schema().names() == std::vector<std::string>{"c", "d"});
    CHECK(parts.numbers->schema().names() == std::vector<std::string>{"x", "k", "w"});
    CHECK(parts.numbers->schema().context_names() == std::vector<std::string>{"g", "h", "c", "d"});
    core::ThreadPool pool(1);
    constexpr std::size_t n = 40;
    const data::Columns context = flow::draw_context(whole->schema(), n, 4), rows = whole->sample(1, 0, n, context, pool);
    std::vector<double> expected(n), codes(n), term(n), sum(n, 0.0);
    whole->log_prob(rows, context, expected, pool);
    parts.categories->log_prob({rows[1], rows[3]}, context, codes, pool);
    data::Columns given = context;
    given.push_back(rows[1]);
    given.push_back(rows[3]);
    for (const data::CellPoint& point : whole->schema().cell_points(32)) {
      data::Columns numbers{rows[0], rows[2], rows[4]};
      for (double& k : numbers[1]) k += point.data[2];
      // From the cut, at 15, on; and a turn to either side.
      for (double& w : numbers[2]) w = (w < 15 ? w + 12 : w) + 2 * point.encoded[4];
      parts.numbers->log_prob(numbers, given, term, pool);
      for (std::size_t i = 0; i < n; ++i) sum[i] += point.weight * std::exp(term[i]);
    }
    for (std::size_t i = 0; i < n; ++i) CHECK(codes[i] + std::log(sum[i]) == doctest::Approx(expected[i]).epsilon(1e-9));
  }
}

TEST_CASE("parts: whitened numbers stay so beside categories") {
  const auto whole = made(
      R"([{"name": "c", "kind": "categorical"}, {"name": "x", "preprocess": "whiten"}, {"name": "y", "preprocess": "whiten"}])",
      R"("flow": )" + std::string(layers));
  data::Schema schema = whole->schema();
  schema.whitening = {{1, 2}, {1.0, 0.6, 0.8}};
  whole->set_schema(schema);
  const flow::Parts parts = flow::make_parts(whole->archive(), "model", true);
  core::ThreadPool pool(1);
  const data::Columns context = flow::draw_context(schema, 9, 4), rows = whole->sample(1, 0, 9, context, pool);
  std::vector<double> expected(9), codes(9), numbers(9);
  whole->log_prob(rows, context, expected, pool);
  parts.categories->log_prob({rows[0]}, context, codes, pool);
  parts.numbers->log_prob({rows[1], rows[2]}, {context[0], context[1], rows[0]}, numbers, pool);
  for (std::size_t i = 0; i < 9; ++i) CHECK(codes[i] + numbers[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}

TEST_CASE("parts: a table of numbers is one part, and one of categories the other") {
  const auto numbers = made(R"(["x", "y"])", R"("flow": )" + std::string(layers));
  CHECK(!flow::make_parts(numbers->archive(), "model", true).categories);
  const auto categories =
      made(R"([{"name": "c", "kind": "categorical"}, {"name": "d", "kind": "categorical"}])", R"("ensemble": 3)");
  const flow::Parts parts = flow::make_parts(categories->archive(), "model", true);
  CHECK(!parts.numbers);
  const flow::ModelCheck check = checked(parts.categories.get(), nullptr);
  CHECK(failures(check) == "");
  CHECK(check.tensors == 15);
  CHECK(!check.has_numbers);
}

TEST_CASE("check: a right model of several kinds passes, and faults of its categories are found by their own figures") {
  for (const char* ensemble : {"", R"("ensemble": 2, )"}) {
    CAPTURE(ensemble);
    const flow::Parts parts =
        flow::make_parts(made(mixed, ensemble + (R"("flow": )" + std::string(layers)))->archive(), "model", true);
    const flow::ModelCheck right = checked(parts.categories.get(), parts.numbers.get());
    CHECK(failures(right) == "");
    CHECK(right.has_base == (std::string(ensemble).empty()));
    REQUIRE(right.wider);
    CHECK(right.wider->off.judged);
    REQUIRE(right.categories);
    CHECK(right.categories->draws.value > 0);
    for (const auto& [fault, found] :
         {std::pair{Wrong::none, ""}, {Wrong::sums, "category sums"}, {Wrong::draws, "category draws"}}) {
      const Wrong wrong(*parts.categories, fault);
      CHECK(failures(checked(&wrong, nullptr)) == found);
    }
  }
}
