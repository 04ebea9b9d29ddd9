// Reading goldens, and comparing with them.
#include "support/golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace flowfit::test {
namespace {

using config::Json;

/// A row for each element of a list; numbers that are no lists are rows of one.
Matrix<double> matrix(const Json& rows) {
  const Index cols = rows.at(0).is_array() ? static_cast<Index>(rows[0].size()) : 1;
  Matrix<double> m(static_cast<Index>(rows.size()), cols);
  for (Index i = 0; i < m.rows(); ++i) {
    const Json& row = rows[static_cast<std::size_t>(i)];
    for (Index j = 0; j < cols; ++j)
      m(i, j) = row.is_array() ? row.at(static_cast<std::size_t>(j)).get<double>() : row.get<double>();
  }
  return m;
}

void compare(const Golden& golden, const std::string& what, const Matrix<double>& expected, const Matrix<double>& got) {
  REQUIRE(got.cols() == expected.cols());
  REQUIRE(got.rows() >= expected.rows());
  const double tolerance = golden.json.value("tolerance", 1e-9);
  double worst = 0;
  Index row = 0, col = 0;
  for (Index i = 0; i < expected.rows(); ++i) {
    for (Index j = 0; j < expected.cols(); ++j) {
      const double error = std::abs(got(i, j) - expected(i, j)) / std::max(1.0, std::abs(expected(i, j)));
      if (error <= worst) continue;
      worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
      row = i;
      col = j;
    }
  }
  CHECK_MESSAGE(worst <= tolerance, golden.name, ": ", what, " (", row, ", ", col, "): expected ",
                Json(expected(row, col)).dump(), " of ", golden.json.at("source").get<std::string>(), ", got ",
                Json(got(row, col)).dump());
}

}  // namespace

std::vector<Golden> goldens(const std::string& room) {
  const char* word = std::getenv("FLOWFIT_CASES");
  std::vector<Golden> all;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(FLOWFIT_GOLDEN) / room)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".json" || (word && name.find(word) == std::string::npos)) continue;
    std::ifstream file(entry.path());
    all.push_back({name, Json::parse(file)});
  }
  std::ranges::sort(all, {}, &Golden::name);
  return all;
}

Matrix<double> golden_block(const Json& rows) {
  const Matrix<double> given = matrix(rows);
  REQUIRE(given.rows() <= block);
  Matrix<double> all = given.row(0).replicate(block, 1);
  all.topRows(given.rows()) = given;
  return all;
}

std::vector<double> golden_parameters(const Golden& golden, const nn::ParameterLayout& layout, const std::string& prefix) {
  const Json given = golden.json.value("parameters", Json::object());
  std::vector<double> all(static_cast<std::size_t>(layout.size()));
  CHECK(given.size() == layout.parameters().size());
  for (const nn::Parameter& p : layout.parameters()) {
    CAPTURE(p.name);
    REQUIRE(p.name.starts_with(prefix + "."));
    REQUIRE(given.contains(p.name.substr(prefix.size() + 1)));
    const auto values = given.at(p.name.substr(prefix.size() + 1)).get<std::vector<double>>();
    REQUIRE(static_cast<Index>(values.size()) == p.size);
    std::ranges::copy(values, all.begin() + p.offset);
  }
  return all;
}

void golden_seed(const Json& adjoints, Var<double> output) {
  const Matrix<double> given = matrix(adjoints);
  if (output.wants_grad()) output.adj().topRows(given.rows()) += given;
}

void compare_golden(const Golden& golden, const std::string& what, const Json& expected, const Matrix<double>& got) {
  compare(golden, what, matrix(expected), got);
}

void compare_golden_gradients(const Golden& golden, const std::string& what, const Json& expected,
                              const nn::ParameterLayout& layout, const std::string& prefix, const std::vector<double>& got) {
  for (const nn::Parameter& p : layout.parameters()) {
    const std::string name = p.name.substr(prefix.size() + 1);
    REQUIRE(expected.contains(name) != p.buffer);
    if (p.buffer || p.size == 0) continue;
    compare(golden, what + " gradient of " + name, matrix(expected.at(name)),
            Eigen::Map<const Matrix<double>>(got.data() + p.offset, p.size, 1));
  }
}

}  // namespace flowfit::test
