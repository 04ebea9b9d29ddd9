// Exact draws through the base, and candidates from the mixture baseline.
#include "flow/impute.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"

namespace flowfit::flow {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double widened =
    1.5;  // the candidates' variance against the baseline's: weights stay bounded where the flow's tails are wider
constexpr std::size_t at_once = 1 << 15;  // candidates
enum Epoch : std::uint32_t { of_candidates = 0, of_choice = 1, of_base = 2 };

/// log of a sum of exponentials.
double log_sum(const std::vector<double>& terms) {
  const double top = *std::ranges::max_element(terms);
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - top);
  return top + std::log(sum);
}

double log_normal(const Eigen::LLT<MatrixXd>& factor, const VectorXd& off) {
  const VectorXd z = factor.matrixL().solve(off);
  return -0.5 * z.squaredNorm() - MatrixXd(factor.matrixL()).diagonal().array().log().sum() -
         0.5 * std::log(2 * std::numbers::pi) * static_cast<double>(off.size());
}

/// The mixture baseline's distribution of the places `missing` given the places `seen` of [context | columns], each component widened.
class Proposal {
 public:
  Proposal(const Baseline& baseline, const std::vector<Index>& seen, const std::vector<Index>& missing) {
    const Index n = static_cast<Index>(seen.size() + missing.size());
    for (std::size_t k = 0; k < baseline.logits.size(); ++k) {
      const auto kth = static_cast<Index>(k);
      MatrixXd l = MatrixXd::Zero(n, n);
      const double* lower = baseline.lower.data() + kth * n * (n - 1) / 2;
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < i; ++j) l(i, j) = *lower++;
        l(i, i) = std::exp(baseline.log_diagonal[static_cast<std::size_t>(kth * n + i)]);
      }
      const MatrixXd covariance = l * l.transpose();
      const VectorXd loc = Eigen::Map<const VectorXd>(baseline.loc.data() + kth * n, n);
      Part part{baseline.logits[k], loc(seen), loc(missing), Eigen::LLT<MatrixXd>(covariance(seen, seen)), {}, {}};
      const MatrixXd cross = covariance(seen, missing);
      part.gain = part.seen.solve(cross).transpose();
      part.spread.compute(widened * (covariance(missing, missing) - part.gain * cross));
      parts_.push_back(std::move(part));
    }
  }

  /// What a row's seen cells make of the components.
  struct Given {
    std::vector<double> log_weights;
    std::vector<VectorXd> means;
  };
  Given given(const VectorXd& seen) const {
    Given g;
    for (const Part& part : parts_) {
      const VectorXd off = seen - part.seen_loc;
      g.log_weights.push_back(part.logit + (off.size() > 0 ? log_normal(part.seen, off) : 0.0));
      g.means.emplace_back(part.missing_loc + part.gain * off);
    }
    const double all = log_sum(g.log_weights);
    for (double& weight : g.log_weights) weight -= all;
    return g;
  }
  /// A draw from a uniform (which component) and standard normals.
  VectorXd draw(const Given& g, double u, const VectorXd& normals) const {
    std::size_t k = 0;
    for (double rest = u; k + 1 < parts_.size() && rest >= std::exp(g.log_weights[k]); ++k) rest -= std::exp(g.log_weights[k]);
    return g.means[k] + parts_[k].spread.matrixL() * normals;
  }
  double log_prob(const Given& g, const VectorXd& x) const {
    std::vector<double> terms;
    for (std::size_t k = 0; k < parts_.size(); ++k)
      terms.push_back(g.log_weights[k] + log_normal(parts_[k].spread, x - g.means[k]));
    return log_sum(terms);
  }

 private:
  struct Part {
    double logit;
    VectorXd seen_loc, missing_loc;
    Eigen::LLT<MatrixXd> seen;
    MatrixXd gain;                // of the seen cells on the missing ones' mean
    Eigen::LLT<MatrixXd> spread;  // of the missing ones
  };
  std::vector<Part> parts_;
};

/// Rows by the columns that they miss, in the order of their first ones.
using Patterns = std::map<std::vector<std::size_t>, std::vector<std::size_t>>;

Patterns patterns_of(const data::Columns& columns) {
  Patterns patterns;
  for (std::size_t row = 0; row < columns.front().size(); ++row) {
    std::vector<std::size_t> missing;
    for (std::size_t d = 0; d < columns.size(); ++d)
      if (std::isnan(columns[d][row])) missing.push_back(d);
    if (!missing.empty()) patterns[missing].push_back(row);
  }
  return patterns;
}

bool is_exact(const Conditionals& split, const data::Schema& schema, const std::vector<std::size_t>& missing) {
  if (!split.reason.empty()) return false;
  // A category has no base point to draw.
  if (std::ranges::any_of(missing, [&](std::size_t d) { return schema.columns[d].kind == data::Kind::categorical; }))
    return false;
  for (std::size_t d = 0; d < split.looks.size(); ++d) {
    if (std::ranges::find(missing, d) != missing.end()) continue;
    for (const int j : split.looks[d])
      if (std::ranges::find(missing, static_cast<std::size_t>(j)) != missing.end()) return false;
  }
  return true;
}

data::Columns picked(const data::Columns& columns, const std::vector<std::size_t>& rows) {
  data::Columns some;
  for (const std::vector<double>& column : columns) {
    std::vector<double>& to = some.emplace_back();
    for (const std::size_t row : rows) to.push_back(column[row]);
  }
  return some;
}

class Filling {
 public:
  Filling(const Model& model, data::Columns& columns, const data::Columns& context, std::uint64_t first, std::uint64_t seed,
          int candidates, core::ThreadPool& pool, std::string source)
      : model_(model),
        columns_(columns),
        context_(context),
        first_(first),
        seed_(seed),
        candidates_(candidates),
        pool_(pool),
        source_(std::move(source)) {}

  /// Through the base: the missing columns' base points are drawn, those of the others are what encode says.
  void exactly(const std::vector<std::size_t>& missing, const std::vector<std::size_t>& rows) {
    data::Columns x = picked(columns_, rows);
    const data::Columns given = picked(context_, rows);
    for (const std::size_t d : missing) std::ranges::fill(x[d], model_.schema().columns[d].back(0));
    std::vector<double> log_det(rows.size()), normals(missing.size());
    data::Columns z = model_.encode(x, given, log_det, pool_);
    const std::vector<int> base = model_.traits().conditionals.base;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      core::RandomKey{seed_, core::Purpose::impute, of_base}.normals(first_ + rows[i], normals);
      for (std::size_t m = 0; m < missing.size(); ++m) z[static_cast<std::size_t>(base[missing[m]])][i] = normals[m];
    }
    x = model_.decode(z, given, log_det, pool_);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (std::isinf(log_det[i]) || std::isnan(log_det[i]))
        refuse(rows[i], "whatever its missing cells are; correct it, or leave it out");
    for (const std::size_t d : missing)
      for (std::size_t i = 0; i < rows.size(); ++i) columns_[d][rows[i]] = model_.schema().columns[d].sampled(x[d][i]);
  }

  void by_resampling(const std::vector<std::size_t>& missing, const std::vector<std::size_t>& rows, Imputed& result) {
    const std::size_t count = static_cast<std::size_t>(candidates_);
    refuse_kinds(missing);
    std::vector<Index> seen, unseen;  // among the numbers: those of the context, then those of the columns
    Index place = 0;
    for (const data::Column& column : model_.schema().context)
      if (column.kind != data::Kind::categorical) seen.push_back(place++);
    for (std::size_t d = 0; d < columns_.size(); ++d) {
      if (model_.schema().columns[d].kind == data::Kind::categorical) continue;
      const bool there = std::ranges::find(missing, d) == missing.end();
      (there ? seen : unseen).push_back(place++);
    }
    const Proposal proposal(model_.reference().mixture, seen, unseen);
    const std::size_t step = std::max<std::size_t>(1, at_once / count);
    for (std::size_t begin = 0; begin < rows.size(); begin += step) {
      const std::vector<std::size_t> some(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                          rows.begin() + static_cast<std::ptrdiff_t>(std::min(begin + step, rows.size())));
      // Each row `count` times, its missing cells drawn.
      std::vector<std::size_t> repeated;
      for (const std::size_t row : some) repeated.insert(repeated.end(), count, row);
      data::Columns x = picked(columns_, repeated);
      const data::Columns given = picked(context_, repeated);
      std::vector<double> weights(repeated.size());
      pool_.run(static_cast<int>(some.size()),
                [&](int number, int) { propose(proposal, missing, some, static_cast<std::size_t>(number), x, weights); });
      std::vector<double> scores(repeated.size());
      model_.log_prob(x, given, scores, pool_);
      for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = scores[i] - weights[i];
      for (std::size_t r = 0; r < some.size(); ++r) {
        const std::size_t chosen = choose({weights.data() + r * count, count}, first_ + some[r], result);
        for (const std::size_t d : missing) columns_[d][some[r]] = model_.schema().columns[d].sampled(x[d][r * count + chosen]);
      }
    }
  }

 private:
  [[noreturn]] void refuse(std::size_t row, const std::string& how) const {
    throw core::DataError(source_ + ": row " + std::to_string(first_ + row + 1) +
                          ": expected cells that the model can have, got a row whose density is zero " + how);
  }

  /// The candidates are drawn in the flow's units, column by column.
  void refuse_kinds(const std::vector<std::size_t>& missing) const {
    const data::Schema& schema = model_.schema();
    if (!schema.whitening.columns.empty())
      throw core::ConfigError(
          "impute: the model whitens its columns together, so a row with a missing cell has no place in its units; "
          "train one with another \"preprocess\"");
    for (const std::size_t d : missing) {
      const data::Kind kind = schema.columns[d].kind;
      if (kind == data::Kind::integer || kind == data::Kind::categorical || kind == data::Kind::periodic)
        throw core::ConfigError("impute: a missing cell of column " + core::quoted(schema.columns[d].name) + ": cells of kind " +
                                core::quoted(data::word(kind)) + " are not filled; model it as continuous, or fill it before");
    }
  }

  /// A cell in the flow's units, where an integer is the middle of its cell; what is outside the limits tells nothing.
  static double encoded(const data::Column& column, double x) {
    const double value = column.at(column.kind == data::Kind::integer ? x + 0.5 : x).value;
    return std::isfinite(value) ? value : 0.0;
  }

  /// Draws the candidates of one row into x, and their log-density into `log_q`.
  void propose(const Proposal& proposal, const std::vector<std::size_t>& missing, const std::vector<std::size_t>& rows,
               std::size_t r, data::Columns& x, std::vector<double>& log_q) const {
    const data::Schema& schema = model_.schema();
    const std::size_t count = static_cast<std::size_t>(candidates_), row = rows[r];
    std::vector<double> seen;
    for (std::size_t c = 0; c < context_.size(); ++c)
      if (schema.context[c].kind != data::Kind::categorical) seen.push_back(encoded(schema.context[c], context_[c][row]));
    for (std::size_t d = 0; d < columns_.size(); ++d)
      if (schema.columns[d].kind != data::Kind::categorical && !std::isnan(columns_[d][row]))
        seen.push_back(encoded(schema.columns[d], columns_[d][row]));
    const Proposal::Given given = proposal.given(Eigen::Map<const VectorXd>(seen.data(), static_cast<Index>(seen.size())));
    VectorXd normals(static_cast<Index>(missing.size()));
    for (std::size_t c = 0; c < count; ++c) {
      const core::RandomKey key{seed_, core::Purpose::impute, of_candidates};
      const std::uint64_t place = (first_ + row) * (std::uint64_t{1} << 20) + c;
      double u = 0;
      key.uniforms(place, {&u, 1});
      key.normals(place, {normals.data(), missing.size()}, 2);
      const VectorXd drawn = proposal.draw(given, u, normals);
      double& q = log_q[r * count + c] = proposal.log_prob(given, drawn);
      for (std::size_t m = 0; m < missing.size(); ++m) {
        const data::Column& column = schema.columns[missing[m]];
        const double value = column.back(drawn(static_cast<Index>(m)));
        x[missing[m]][r * count + c] = value;
        if (!column.affine()) q += column.at(value).log_slope;  // else the same for every candidate
      }
    }
  }

  /// One of the candidates by their log-weights.
  std::size_t choose(std::span<const double> log_weights, std::uint64_t row, Imputed& result) const {
    const double top = *std::ranges::max_element(log_weights);
    if (!(top > -std::numeric_limits<double>::infinity()))
      refuse(row - first_, "with each of " + std::to_string(candidates_) +
                               " candidates for its missing cells; correct it, leave it out, or draw more with --candidates");
    std::vector<double> until;
    double sum = 0, squares = 0;
    for (const double log_weight : log_weights) {
      const double w = std::exp(log_weight - top);
      squares += w * w;
      until.push_back(sum += w);
    }
    const double effective = sum * sum / squares;
    result.effective_least = result.resampled_rows == 0 ? effective : std::min(result.effective_least, effective);
    result.effective_sum += effective;
    ++result.resampled_rows;
    double u = 0;
    core::RandomKey{seed_, core::Purpose::impute, of_choice}.uniforms(row, {&u, 1});
    return std::min(static_cast<std::size_t>(std::ranges::upper_bound(until, u * sum) - until.begin()), until.size() - 1);
  }

  const Model& model_;
  data::Columns& columns_;
  const data::Columns& context_;
  std::uint64_t first_, seed_;
  int candidates_;
  core::ThreadPool& pool_;
  std::string source_;
};

}  // namespace

Imputed impute(const Model& model, data::Columns& columns, const data::Columns& context, std::uint64_t first, std::uint64_t seed,
               int candidates, core::ThreadPool& pool, const std::string& source) {
  Imputed result;
  const Model::Traits traits = model.traits();
  Filling filling(model, columns, context, first, seed, candidates, pool, source);
  for (const auto& [missing, rows] : patterns_of(columns)) {
    result.cells += missing.size() * rows.size();
    if (traits.members == 1 && is_exact(traits.conditionals, model.schema(), missing)) {
      filling.exactly(missing, rows);
      result.exact_rows += rows.size();
      continue;
    }
    if (model.reference().mixture.empty())
      throw core::ConfigError("impute: this model holds no baseline to draw candidates from; train it again with this flowfit");
    filling.by_resampling(missing, rows, result);
  }
  return result;
}

}  // namespace flowfit::flow
