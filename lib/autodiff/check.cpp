// Differences against products, entry by entry or along random directions.
#include "autodiff/check.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/random.h"
#include "core/text.h"

namespace flowfit::autodiff {
namespace {

// What the inputs' adjoints hold before backward: an op that overwrites them loses it.
constexpr double before = 0.5;

class Checker {
 public:
  Checker(const Function& function, const std::vector<Matrix<double>>& inputs, const CheckOptions& options)
      : function_(function), inputs_(inputs), options_(options) {}

  std::string run() {
    differentiate();
    if (!complaint_.empty()) return complaint_;
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      Matrix<double> direction = Matrix<double>::Zero(inputs_[k].rows(), inputs_[k].cols());
      if (options_.directions == 0) {
        for (Index i = 0; i < direction.size(); ++i) {
          direction.data()[i] = 1;
          probe(k, direction, "entry " + place(k, i));
          direction.data()[i] = 0;
        }
      }
      for (int n = 0; n < options_.directions; ++n) {
        for (Index i = 0; i < direction.size(); ++i) direction.data()[i] = uniform() < 0.5 ? -1.0 : 1.0;
        probe(k, direction, "direction " + std::to_string(n));
      }
    }
    return complaint_;
  }

 private:
  std::string place(std::size_t k, Index i) const {
    return "(" + std::to_string(i % inputs_[k].rows()) + ", " + std::to_string(i / inputs_[k].rows()) + ")";
  }
  double uniform() {
    double u = 0;
    core::RandomKey{options_.seed, core::Purpose::check}.uniforms(draws_++, {&u, 1});
    return u;
  }

  std::vector<Var<double>> start(const std::vector<Matrix<double>>& inputs, Mode mode) {
    tape_.reset(mode);
    std::vector<Var<double>> vars;
    for (const Matrix<double>& input : inputs) {
      vars.push_back(tape_.make(input.rows(), input.cols(), true));
      vars.back().val() = input;
      if (vars.back().wants_grad()) vars.back().adj().setConstant(before);
    }
    return vars;
  }

  double loss(const std::vector<Matrix<double>>& inputs) {
    double sum = 0;
    const std::vector<Var<double>> outputs = function_(tape_, start(inputs, Mode::evaluate));
    for (std::size_t k = 0; k < outputs.size(); ++k) sum += seeds_[k].cwiseProduct(outputs[k].val()).sum();
    return sum;
  }

  void differentiate() {
    const std::vector<Var<double>> inputs = start(inputs_, Mode::differentiate);
    const std::vector<Var<double>> outputs = function_(tape_, inputs);
    std::vector<Matrix<double>> values;
    for (const Var<double>& output : outputs) {
      values.emplace_back(output.val());
      seeds_.emplace_back(Matrix<double>::NullaryExpr(output.rows, output.cols, [&] { return 2 * uniform() - 1; }));
      // An output may share its memory with another, or be an input.
      if (output.wants_grad()) output.adj() += seeds_.back();
    }
    tape_.backward();
    for (const Var<double>& input : inputs) products_.emplace_back(input.adj().array() - before);
    const std::vector<Var<double>> again = function_(tape_, start(inputs_, Mode::evaluate));
    for (std::size_t k = 0; k < again.size(); ++k) {
      if (std::memcmp(again[k].value, values[k].data(), static_cast<std::size_t>(values[k].size()) * sizeof(double)) != 0)
        complaint_ = "output " + std::to_string(k) + ": evaluate and differentiate differ";
    }
  }

  void probe(std::size_t k, const Matrix<double>& direction, const std::string& what) {
    const double product = products_[k].cwiseProduct(direction).sum();
    double nearest = 0, least = std::numeric_limits<double>::infinity();
    std::vector<Matrix<double>> moved = inputs_;
    for (const double step : {1e-5, 1e-6, 1e-7}) {
      moved[k] = inputs_[k] + step * direction;
      const double above = loss(moved);
      moved[k] = inputs_[k] - step * direction;
      const double difference = (above - loss(moved)) / (2 * step);
      const double error = std::abs(difference - product) / (1 + std::abs(product));
      if (!(error >= least)) {
        least = error;
        nearest = difference;
      }
      if (least <= options_.tolerance) return;
    }
    if (least <= worst_) return;  // false for NaN: that is the worst
    worst_ = least;
    complaint_ = "input " + std::to_string(k) + ", " + what + ": product " + core::number(product) + ", difference " +
                 core::number(nearest) + ", error " + core::number(least);
  }

  const Function& function_;
  const std::vector<Matrix<double>>& inputs_;
  CheckOptions options_;
  Tape<double> tape_;
  std::vector<Matrix<double>> seeds_, products_;
  std::uint64_t draws_ = 0;
  double worst_ = -1;
  std::string complaint_;
};

}  // namespace

std::string check_vjp(const Function& function, const std::vector<Matrix<double>>& inputs, const CheckOptions& options) {
  return Checker(function, inputs, options).run();
}

}  // namespace flowfit::autodiff
