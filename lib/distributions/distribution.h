// A base distribution: what the transforms push forward.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/node.h"
#include "nn/pass.h"

namespace flowfit::distributions {

using autodiff::Index;
using nn::Pass;
using nn::Var;

/// What a base needs to be built: `name` prefixes its parameters (`base`).
struct Build {
  nn::ParameterLayout& layout;
  std::string name;
  int features = 0;                  ///< D
  int context = 0;                   ///< C; 0: none
  std::vector<std::string> columns;  ///< D names, for the base that is told its columns by name
};

template <class T>
class Distribution {
 public:
  virtual ~Distribution() = default;
  /// z: B x D, context: B x C or empty → log density of each row, B x 1; −inf outside the support.
  virtual Var<T> log_prob(Pass<T>& pass, Var<T> z, Var<T> context) const = 0;
  /// The log density of the cells of each row that are `there` (B x D: 1, else 0), with the others integrated out, whatever finite numbers stand in them: B x 1.
  /// Only where marginalizes().
  virtual Var<T> log_prob_present(Pass<T>& pass, Var<T> z, Var<T> there) const;
  virtual bool marginalizes() const { return false; }
  /// One draw for each row id of the pass: rows x D. `key` decides the stream; a row's draw depends on its id (and its context) alone.
  virtual Var<T> sample(Pass<T>& pass, Index rows, Var<T> context, const core::RandomKey& key) const = 0;
  /// An interval that holds every column.
  virtual std::pair<double, double> support() const;

  /// Whether the column is standard normal whatever the others are.
  virtual bool standard_normal(Index column) const { return (void)column, false; }

  /// Sets parameters from all training rows as they arrive at the base (column-major, n x D); draws come from `key`. Default: nothing.
  virtual void initialize(std::span<T> parameters, std::span<const T> rows, Index n, const core::RandomKey& key) const {
    (void)parameters, (void)rows, (void)n, (void)key;
  }
  virtual bool needs_initialize() const { return false; }
};

/// A config that the property tests run, and how many context columns it wants.
struct Example {
  std::string config;  ///< JSON
  int context = 0;
};
struct DistributionEntry {
  std::string type;
  std::vector<Example> examples;
  std::unique_ptr<Distribution<float>> (*make_float)(const config::Node&, const Build&);
  std::unique_ptr<Distribution<double>> (*make_double)(const config::Node&, const Build&);
};

template <template <class> class X>
DistributionEntry distribution_entry(std::string type, std::vector<Example> examples) {
  return {std::move(type), std::move(examples),
          [](const config::Node& node, const Build& build) -> std::unique_ptr<Distribution<float>> {
            return std::make_unique<X<float>>(node, build);
          },
          [](const config::Node& node, const Build& build) -> std::unique_ptr<Distribution<double>> {
            return std::make_unique<X<double>>(node, build);
          }};
}

const std::vector<DistributionEntry>& distributions();

/// Reads the `base` object (default {"type": "normal"}).
template <class T>
std::unique_ptr<Distribution<T>> make_distribution(const config::Node& node, const Build& build);

}  // namespace flowfit::distributions
