// Ratios of a model's density and a mixture's, over samples of the one and of the other.
#include "flow/importance.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/random.h"
#include "distributions/fit.h"
#include "flow/spread.h"

namespace flowfit::flow {
namespace {

using distributions::Rows;
using Eigen::ArrayXd;
using Eigen::Index;

constexpr Index most_rows = 50'000, least_rows = 6'000, fitted_part = 3;
constexpr double work = 2e10;  // rows times parameters: a large model is looked at with fewer rows
constexpr int components = 16;
constexpr Index most_full_columns = 64;  // beyond, covariances are diagonal: the fit would take longer than all else
// Student's t with 6 degrees of freedom has tails wider than a flow's where u = asinh x, and its χ² is a product of three uniforms.
constexpr int freedom = 6;
// Widths of q's components against those of the samples: ratios are bounded where both are normal.
constexpr double wider_variance = 1.1, narrower_variance = 0.8;

/// A mixture that can be drawn from and scored: of normals, or of t.
class Mixture {
 public:
  Mixture(const std::vector<distributions::Component>& fitted, double variance, bool heavy) : heavy_(heavy) {
    for (const distributions::Component& c : fitted) {
      weights_.push_back(c.weight);
      means_.push_back(c.normal.mean);
      factors_.push_back(distributions::cholesky(variance * c.normal.covariance));
    }
    const double all = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    for (double& w : weights_) w /= all;
  }

  Rows sample(const core::RandomKey& key, Index rows) const {
    const Index d = means_.front().size();
    Rows x(rows, d);
    std::vector<double> normal(static_cast<std::size_t>(d));
    for (Index i = 0; i < rows; ++i) {
      double u[4];
      key.uniforms(static_cast<std::uint64_t>(i), u);
      std::size_t k = 0;
      for (double rest = u[0]; k + 1 < weights_.size() && rest >= weights_[k]; ++k) rest -= weights_[k];
      key.normals(static_cast<std::uint64_t>(i), normal, 4);
      const double widen = heavy_ ? std::sqrt(freedom / (-2 * std::log(u[1] * u[2] * u[3]))) : 1;
      std::size_t entry = 0;
      for (Index a = 0; a < d; ++a) {
        double sum = 0;
        for (Index b = 0; b < a; ++b) sum += factors_[k].lower[entry++] * normal[static_cast<std::size_t>(b)];
        const std::size_t at = static_cast<std::size_t>(a);
        sum += std::exp(factors_[k].log_diagonal[at]) * normal[at];
        x(i, a) = means_[k](a) + widen * sum;
      }
    }
    return x;
  }

  ArrayXd log_prob(const Rows& x) const {
    const double d = static_cast<double>(x.cols()), nu = freedom;
    const double constant = heavy_ ? std::lgamma((nu + d) / 2) - std::lgamma(nu / 2) - 0.5 * d * std::log(nu * std::numbers::pi)
                                   : -0.5 * d * std::log(2 * std::numbers::pi);
    Eigen::ArrayXXd terms(x.rows(), static_cast<Index>(weights_.size()));
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      ArrayXd square = ArrayXd::Zero(x.rows());
      Eigen::ArrayXXd z(x.rows(), x.cols());
      double offset = constant + std::log(weights_[k]);
      std::size_t entry = 0;
      for (Index a = 0; a < x.cols(); ++a) {
        z.col(a) = x.col(a) - means_[k](a);
        for (Index b = 0; b < a; ++b) z.col(a) -= factors_[k].lower[entry++] * z.col(b);
        const double log_diagonal = factors_[k].log_diagonal[static_cast<std::size_t>(a)];
        z.col(a) *= std::exp(-log_diagonal);
        square += z.col(a).square();
        offset -= log_diagonal;
      }
      terms.col(static_cast<Index>(k)) =
          offset + (heavy_ ? ArrayXd(-0.5 * (nu + d) * (square / nu).log1p()) : ArrayXd(-0.5 * square));
    }
    const ArrayXd top = terms.rowwise().maxCoeff();
    return top + (terms.colwise() - top).exp().rowwise().sum().log();
  }

 private:
  bool heavy_;
  std::vector<double> weights_;
  std::vector<Eigen::RowVectorXd> means_;
  std::vector<distributions::Cholesky> factors_;
};

/// The model given one context, in coordinates u of each column in which its tails are light.
class Stretched {
 public:
  /// Widths are those of the first `rows` draws.
  Stretched(const Model& model, const std::vector<double>& context, core::ThreadPool& pool, std::uint64_t seed, Index rows)
      : model_(model), context_(context), pool_(pool), seed_(seed) {
    for (const std::vector<double>& column : draw(0, static_cast<std::size_t>(rows))) {
      spreads_.push_back(spread(column));
      if (!(spreads_.back().scale > 0)) spreads_.back().scale = 1;
    }
  }
  Rows sample(std::size_t first, Index rows) const {
    const data::Columns x = draw(first, static_cast<std::size_t>(rows));
    Rows u(rows, static_cast<Index>(x.size()));
    for (Index d = 0; d < u.cols(); ++d)
      for (Index i = 0; i < rows; ++i) u(i, d) = unstretched(of(d), x[static_cast<std::size_t>(d)][static_cast<std::size_t>(i)]);
    return u;
  }
  ArrayXd log_prob(const Rows& u) const {
    const std::size_t rows = static_cast<std::size_t>(u.rows());
    data::Columns x(spreads_.size(), std::vector<double>(rows));
    std::vector<double> scores(rows);
    ArrayXd slope = ArrayXd::Zero(u.rows());
    for (Index d = 0; d < u.cols(); ++d) {
      for (Index i = 0; i < u.rows(); ++i) {
        x[static_cast<std::size_t>(d)][static_cast<std::size_t>(i)] = stretched(of(d), u(i, d));
        slope(i) += std::log(stretch(of(d), u(i, d)));
      }
    }
    model_.log_prob(x, given(rows), scores, pool_);
    return Eigen::Map<const ArrayXd>(scores.data(), u.rows()) + slope;
  }

 private:
  const Spread& of(Index d) const { return spreads_[static_cast<std::size_t>(d)]; }
  data::Columns given(std::size_t rows) const {
    data::Columns all;
    for (const double value : context_) all.emplace_back(rows, value);
    return all;
  }
  data::Columns draw(std::size_t first, std::size_t rows) const { return model_.sample(seed_, first, rows, given(rows), pool_); }

  const Model& model_;
  const std::vector<double>& context_;
  core::ThreadPool& pool_;
  std::uint64_t seed_;
  std::vector<Spread> spreads_;
};

/// a's mass from log a/b at samples of b and at samples of a. Where a/b is large, samples of b are too few to average it: there a's own samples are counted.
/// Both parts are unbiased, and neither has a heavy tail.
Mass mass(const ArrayXd& at_b, const ArrayXd& at_a) {
  constexpr double most = 30;
  const double n = static_cast<double>(at_b.size()), m = static_cast<double>(at_a.size());
  const ArrayXd ratio = (at_b <= std::log(most)).select(at_b.exp(), 0.0);
  const double mean = ratio.sum() / n, squares = ratio.square().sum();
  Mass result;
  result.rows = static_cast<std::size_t>(at_b.size());
  result.beyond = (at_a > std::log(most)).cast<double>().sum() / m;
  result.value = at_b.isNaN().any() || at_a.isNaN().any() ? std::nan("") : mean + result.beyond;
  result.error = std::sqrt((squares / n - mean * mean) / n + std::max(result.beyond * (1 - result.beyond), 1 / m) / m);
  result.effective = squares > 0 ? n * n * mean * mean / squares : 0;
  return result;
}

}  // namespace

Importance importance(const Model& model, const std::vector<double>& context, core::ThreadPool& pool, std::uint64_t seed) {
  double parameters = 1;
  for (const Model::ParameterInfo& tensor : model.parameters()) parameters += static_cast<double>(tensor.size);
  const Index sample_rows = std::clamp(static_cast<Index>(work / parameters), least_rows, most_rows),
              fitted_rows = sample_rows / fitted_part;
  const Stretched p(model, context, pool, seed, fitted_rows);
  const Rows fitted = p.sample(0, fitted_rows), from_p = p.sample(static_cast<std::size_t>(fitted_rows), sample_rows);
  const core::RandomKey key{seed, core::Purpose::check, 300};
  const auto kind = fitted.cols() <= most_full_columns ? distributions::Covariance::full : distributions::Covariance::diagonal;
  const std::vector<distributions::Component> fit = distributions::fit_mixture(fitted, components, kind, key);
  const Mixture wider(fit, wider_variance, true), narrower(fit, narrower_variance, false);
  const Rows from_wider = wider.sample({seed, core::Purpose::check, 301}, sample_rows),
             from_narrower = narrower.sample({seed, core::Purpose::check, 302}, sample_rows);
  const ArrayXd at_p = p.log_prob(from_p);
  return {mass(p.log_prob(from_wider) - wider.log_prob(from_wider), at_p - wider.log_prob(from_p)),
          mass(narrower.log_prob(from_p) - at_p, narrower.log_prob(from_narrower) - p.log_prob(from_narrower))};
}

}  // namespace flowfit::flow
