// A transform with parameters of its own, run on whole blocks; and random matrices to run it on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "autodiff/check.h"
#include "config/node.h"
#include "support/cases.h"
#include "transforms/transform.h"

namespace flowfit::test {

using autodiff::Index;
using autodiff::Mapped;
using autodiff::Matrix;
using autodiff::Mode;
using autodiff::Tape;
using autodiff::Var;
using transforms::Support;

inline constexpr Index block = 96;

template <class T>
Matrix<T> normals(Index rows, Index cols, std::uint32_t epoch, double scale = 1) {
  Matrix<T> m(rows, cols);
  std::vector<double> row(static_cast<std::size_t>(cols));
  for (Index i = 0; i < rows; ++i) {
    core::RandomKey{7, core::Purpose::check, epoch}.normals(static_cast<std::uint64_t>(i), row);
    for (Index j = 0; j < cols; ++j) m(i, j) = static_cast<T>(scale * row[static_cast<std::size_t>(j)]);
  }
  return m;
}

/// The line onto the interval, and the slope there.
inline double into(const Support& support, double v) {
  if (std::isinf(support.low) && std::isinf(support.high)) return v;
  if (std::isinf(support.high)) return support.low + std::exp(v);
  if (std::isinf(support.low)) return support.high - std::exp(v);
  return support.low + (support.high - support.low) / (1 + std::exp(-v));
}
inline double into_slope(const Support& support, double v) {
  if (std::isinf(support.low) && std::isinf(support.high)) return 1;
  if (std::isinf(support.high) || std::isinf(support.low)) return std::exp(v);
  const double s = 1 / (1 + std::exp(-v));
  return (support.high - support.low) * s * (1 - s);
}

/// A matrix as an input of the tape.
template <class T>
Var<T> input(Tape<T>& tape, const Matrix<T>& m, bool wants_grad = false) {
  const Var<T> x = tape.make(m.rows(), m.cols(), wants_grad);
  x.val() = m;
  return x;
}

/// Places of a parameter in the vector that training moves: those that its mask leaves free, and none of a buffer.
inline std::vector<Index> free_places(const nn::Parameter& p) {
  std::vector<Index> places;
  if (p.buffer) return places;
  for (Index i = 0; i < p.size; ++i) {
    if (p.prefix.empty() || i % p.shape[1] < p.prefix[static_cast<std::size_t>(i / p.shape[1])]) places.push_back(p.offset + i);
  }
  return places;
}

/// Moves every free parameter at random; a buffer upwards, where it may be a variance.
template <class T>
void perturb(const nn::ParameterLayout& layout, std::vector<T>& parameters, double scale) {
  const Matrix<double> noise = normals<double>(layout.size(), 1, 100, scale);
  for (const nn::Parameter& p : layout.parameters()) {
    for (const Index i : free_places(p)) parameters[static_cast<std::size_t>(i)] += static_cast<T>(noise(i));
    for (Index i = p.offset; p.buffer && i < p.offset + p.size; ++i)
      parameters[static_cast<std::size_t>(i)] += static_cast<T>(std::abs(noise(i)));
  }
}

/// What one run gives; the gradients are those of Σ (value · seed) + Σ log_det.
template <class T>
struct Output {
  Matrix<T> value, log_det, x_gradient, context_gradient;
  std::vector<T> gradient;
};

template <class T>
class Subject {
 public:
  explicit Subject(const Case& from) : from_(from), document_(config::Json::parse(from.config)) {
    transform_ = transforms::make_transform<T>(document_.root(), {layout_, "layer", from.features, from.context, 3, 0});
    if (!document_.ok()) return;
    const std::vector<double> start = layout_.initial(5);
    parameters.assign(start.begin(), start.end());
  }

  bool ok() const { return document_.ok(); }
  const config::Document& document() const { return document_; }
  const nn::ParameterLayout& layout() const { return layout_; }
  const transforms::Transform<T>& transform() const { return *transform_; }
  Support input_support(bool inverse) const { return inverse ? transform_->image(transform_->domain()) : transform_->domain(); }

  /// Moves every free parameter at random.
  void perturb(double scale = 0.4) { test::perturb(layout_, parameters, scale); }

  /// A number of the line as an input: the nearest that the type has strictly inside the support.
  T inside(bool inverse, double v) const {
    const Support support = input_support(inverse);
    const T infinity = std::numeric_limits<T>::infinity(), x = static_cast<T>(into(support, v));
    return std::clamp(x, std::nextafter(static_cast<T>(support.low), infinity),
                      std::nextafter(static_cast<T>(support.high), -infinity));
  }
  Matrix<T> rows(bool inverse, std::uint32_t epoch = 1, double scale = 1.5, Index count = block) const {
    return normals<T>(count, from_.features, epoch, scale).unaryExpr([&](T v) {
      return inside(inverse, static_cast<double>(v));
    });
  }
  Matrix<T> context(std::uint32_t epoch = 2, Index count = block) const { return normals<T>(count, from_.context, epoch); }

  Mapped<T> apply(nn::Pass<T>& pass, Var<T> x, Var<T> given, bool inverse) const {
    return inverse ? transform_->inverse(pass, x, given) : transform_->forward(pass, x, given);
  }

  Output<T> run(bool inverse, const Matrix<T>& x, const Matrix<T>& given, Mode mode = Mode::evaluate, T seed = T(1)) const {
    Tape<T> tape(mode);
    Output<T> out;
    out.gradient.assign(parameters.size(), T(0));
    nn::Pass<T> pass{tape, parameters.data(), out.gradient.data()};
    const Var<T> in = input(tape, x, true), looks_at = given.cols() == 0 ? Var<T>{} : input(tape, given, true);
    const Mapped<T> m = apply(pass, in, looks_at, inverse);
    out.value = m.value.val();
    out.log_det = m.log_det.val();
    if (mode == Mode::evaluate) return out;
    if (m.value.wants_grad()) m.value.adj().array() += seed;
    if (m.log_det.wants_grad()) m.log_det.adj().array() += T(1);
    tape.backward();
    out.x_gradient = in.adj();
    if (!looks_at.empty()) out.context_gradient = looks_at.adj();
    return out;
  }

  std::vector<T> parameters;

 private:
  Case from_;
  config::Document document_;
  nn::ParameterLayout layout_;
  std::unique_ptr<transforms::Transform<T>> transform_;
};

/// The same bits, NaN and signed zeros included.
template <class T>
bool same_bits(const Matrix<T>& a, const Matrix<T>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
}

}  // namespace flowfit::test
