// A transform: an invertible map of a whole row, const and stateless; its parameters live in the model's one vector.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/node.h"
#include "nn/pass.h"
#include "transforms/links.h"

namespace flowfit::transforms {

using autodiff::Index;
using nn::Mapped;
using nn::Pass;
using nn::Var;

/// The open interval a column lives in.
struct Support {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  /// Up to a rounding of ends that were worked out.
  bool inside(const Support& other) const;
};

/// What a transform needs to be built at its place in the stack.
struct Build {
  nn::ParameterLayout& layout;
  std::string name;         ///< prefix of its parameters: `flow.0`
  int features = 0;         ///< D
  int context = 0;          ///< C; 0: none
  std::uint64_t seed = 0;   ///< for orders drawn at random
  std::uint32_t place = 0;  ///< distinct for each layer
};

/// forward: base → data; inverse: data → base. x: B x D, context: B x C or empty; log_det: B x 1, log|det d value / d input| of the
/// direction asked. Both return finite numbers or, outside the support, a log_det of −inf beside a finite value.
template <class T>
class Transform {
 public:
  virtual ~Transform() = default;
  /// Checked: shapes must fit (std::logic_error: our bug).
  Mapped<T> forward(Pass<T>& pass, Var<T> x, Var<T> context) const { return checked(&Transform::map_forward, pass, x, context); }
  Mapped<T> inverse(Pass<T>& pass, Var<T> y, Var<T> context) const { return checked(&Transform::map_inverse, pass, y, context); }

  /// Where each column of the input must live, and where the output then lives.
  virtual Support domain() const { return {}; }
  virtual Support image(const Support& input) const { return (void)input, Support{}; }
  /// Which inputs give outputs in an interval: the image of the map turned around.
  virtual Support preimage(const Support& output) const { return (void)output, domain(); }

  /// Of inverse∘forward = identity in float64: the entry's, or more where a part or a setting says so.
  double tolerance() const { return tolerance_; }
  /// What the inverse makes each column of. A map that says more than "all" gives log_det B x D, column by column of the output, in a pass that wants it so.
  virtual Links links() const { return Links::all(features_); }

  /// Whether log_det is an estimate: then the density is one up to its error.
  virtual bool estimates() const { return false; }

  /// Sets parameters from all training rows as they arrive at this layer on their way data → base (column-major, n x D). Default: nothing.
  virtual void initialize(std::span<T> parameters, std::span<const T> rows, Index n) const {
    (void)parameters, (void)rows, (void)n;
  }
  virtual bool needs_initialize() const { return false; }

  /// Statistics of the rows that arrive (batch_norm): kept up to date while training goes on, and set by `initialize` exactly from all training rows for weights
  /// that are evaluated or saved.
  virtual bool keeps_statistics() const { return false; }
  /// After a step: takes in what the layer added to Pass::sums over the batch's n rows.
  virtual void update_statistics(std::span<T> parameters, std::span<const double> sums, Index n) const {
    (void)parameters, (void)sums, (void)n;
  }

 protected:
  explicit Transform(const Build& build) : features_(build.features), context_(build.context) {}
  Index features() const { return features_; }
  Index context() const { return context_; }
  void allow(double tolerance) { tolerance_ = std::max(tolerance_, tolerance); }
  /// Log-determinants of each column as the pass wants them: summed, or as they are (`where`: taken in this order).
  static Var<T> wanted(Pass<T>& pass, Var<T> log_dets, const std::vector<int>* where = nullptr);
  /// scale_shift (autodiff/ops/elementwise.h) with log_det as the pass wants it.
  static Mapped<T> scaled(Pass<T>& pass, Var<T> x, Var<T> log_scale, Var<T> shift, bool inverse);
  virtual Mapped<T> map_forward(Pass<T>& pass, Var<T> x, Var<T> context) const = 0;
  virtual Mapped<T> map_inverse(Pass<T>& pass, Var<T> y, Var<T> context) const = 0;

 private:
  using Direction = Mapped<T> (Transform::*)(Pass<T>&, Var<T>, Var<T>) const;
  Mapped<T> checked(Direction direction, Pass<T>& pass, Var<T> x, Var<T> context) const;
  template <class U>
  friend class Inverted;
  template <class U>
  friend std::unique_ptr<Transform<U>> make_transform(const config::Node& node, const Build& build);

  Index features_, context_;
  double tolerance_ = 0;
};

/// One word of the transforms' list: how to make it, and configs that the property tests run.
struct Example {
  std::string config;  ///< JSON of the layer; the word "UNIVARIATE" in it is replaced by each univariate's examples in turn
  int features = 2;
  int context = 0;
};
struct TransformEntry {
  std::string type;
  std::vector<Example> examples;
  std::unique_ptr<Transform<float>> (*make_float)(const config::Node&, const Build&);
  std::unique_ptr<Transform<double>> (*make_double)(const config::Node&, const Build&);
  double tolerance;  ///< of inverse∘forward = identity in float64
};

template <template <class> class X>
TransformEntry transform_entry(std::string type, std::vector<Example> examples, double tolerance = 1e-9) {
  return {std::move(type), std::move(examples),
          [](const config::Node& node, const Build& build) -> std::unique_ptr<Transform<float>> {
            return std::make_unique<X<float>>(node, build);
          },
          [](const config::Node& node, const Build& build) -> std::unique_ptr<Transform<double>> {
            return std::make_unique<X<double>>(node, build);
          },
          tolerance};
}

const std::vector<TransformEntry>& transforms();

/// The same map with its directions, domain and image exchanged.
template <class T>
std::unique_ptr<Transform<T>> turned(const Build& build, std::unique_ptr<Transform<T>> inner);

/// Reads "context" of a layer that is conditional only when asked: true where it is and the model has context, else an error.
bool reads_context(const config::Node& node, const Build& build);

/// Reads one number for all columns, or a list of one for each: D numbers.
std::vector<double> column_numbers(const config::Node& node, std::string_view key, double fallback, int features,
                                   config::Range range = {});

/// Reads one layer of a `flow`, `"inverse": true` included; records errors, and returns something to go on with.
template <class T>
std::unique_ptr<Transform<T>> make_transform(const config::Node& node, const Build& build);

}  // namespace flowfit::transforms
