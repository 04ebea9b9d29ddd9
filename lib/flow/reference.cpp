// Fitting, scoring and keeping the baselines.
#include "flow/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "autodiff/ops/missing.h"
#include "core/error.h"
#include "core/random.h"
#include "distributions/fit.h"
#include "flow/density.h"
#include "flow/typed_model.h"

namespace flowfit::flow {
namespace {

constexpr int most_components = 32, em_steps = 40;

/// The entries of a lower triangle of n columns, strictly below the diagonal: row by row, so that a leading part comes first.
std::size_t packed(std::size_t n) { return n * (n - 1) / 2; }

Baseline packed_mixture(const std::vector<distributions::Component>& components) {
  Baseline m;
  const auto append = [](std::vector<double>& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (const distributions::Component& c : components) {
    const distributions::Cholesky factor = distributions::cholesky(c.normal.covariance);
    m.logits.push_back(std::log(c.weight));
    append(m.loc, c.normal.mean);
    append(m.lower, factor.lower);
    append(m.log_diagonal, factor.log_diagonal);
  }
  return m;
}

distributions::Rows joined(const Sample& sample) {
  distributions::Rows rows(static_cast<Index>(sample.rows), static_cast<Index>(sample.context.size() + sample.x.size()));
  Index j = 0;
  for (const data::Columns* part : {&sample.context, &sample.x})
    for (const std::vector<double>& column : *part)
      rows.col(j++) = Eigen::Map<const Eigen::ArrayXd>(column.data(), static_cast<Index>(column.size()));
  return rows;
}

/// Some of the rows.
struct Part {
  data::Columns x, context;
  std::size_t rows = 0;

  void add(const Sample& from, std::size_t row) {
    x.resize(from.x.size());
    context.resize(from.context.size());
    for (std::size_t d = 0; d < x.size(); ++d) x[d].push_back(from.x[d][row]);
    for (std::size_t c = 0; c < context.size(); ++c) context[c].push_back(from.context[c][row]);
    ++rows;
  }
  Sample sample() const { return {x, context, rows}; }
};

/// Doubles the components of `reference.mixture` as long as `judging` gains.
void fit_mixture(Reference& reference, const Sample& train, const Sample& judging, std::uint64_t seed, core::ThreadPool& pool) {
  const distributions::Rows rows = joined(train);
  double best = reference.mixture.mean_log_prob(judging, pool);
  for (int k = 2; k <= most_components && Index{5} * k * (rows.cols() + 3) <= rows.rows(); k *= 2) {
    Baseline next = packed_mixture(
        distributions::fit_mixture(rows, k, distributions::Covariance::full, {seed, core::Purpose::baseline}, em_steps));
    const double gained = next.mean_log_prob(judging, pool);
    if (!(gained > best)) return;
    best = gained;
    reference.mixture = std::move(next);
  }
}

}  // namespace

void Baseline::log_prob(const data::Columns& x, const data::Columns& context, std::span<double> out,
                        core::ThreadPool& pool) const {
  const std::size_t given = context.size(), all = given + x.size();
  data::Columns columns = context;
  columns.insert(columns.end(), x.begin(), x.end());
  std::vector<std::unique_ptr<nn::Tape<double>>> tapes;
  for (int worker = 0; worker < pool.size(); ++worker) tapes.push_back(std::make_unique<nn::Tape<double>>());
  const std::size_t n = out.size(), size = static_cast<std::size_t>(block_rows);
  // The tape's ops only read these.
  const auto part = [](const std::vector<double>& of, std::size_t place, std::size_t count) {
    return count == 0 ? Var<double>{}
                      : Var<double>{const_cast<double*>(of.data()) + place, nullptr, 1, static_cast<Index>(count)};
  };
  pool.run(static_cast<int>((n + size - 1) / size), [&](int block, int worker) {
    nn::Tape<double>& tape = *tapes[static_cast<std::size_t>(worker)];
    tape.reset(nn::Mode::evaluate);
    const std::size_t first = static_cast<std::size_t>(block) * size;
    const Index rows = static_cast<Index>(std::min(size, n - first));
    const Var<double> joint = load_block<double>(tape, columns, first, rows, block_rows);
    const bool gaps = std::any_of(joint.value, joint.value + joint.rows * joint.cols, [](double x) { return std::isnan(x); });
    const autodiff::Present<double> cells = gaps ? autodiff::present(tape, joint) : autodiff::Present<double>{};
    const auto marginal = [&](std::size_t leading) {
      const Var<double> terms = tape.make(block_rows, static_cast<Index>(logits.size()), false);
      for (std::size_t k = 0; k < logits.size(); ++k) {
        const autodiff::NormalFactor<double> factor{part(loc, k * all, leading), part(lower, k * packed(all), packed(leading)),
                                                    part(log_diagonal, k * all, leading)};
        const Index count = static_cast<Index>(leading);
        const Var<double> term = terms.columns(static_cast<Index>(k), 1);
        autodiff::normal_log_prob(tape, factor, (gaps ? cells.x : joint).columns(0, count), term);
        if (!gaps) continue;
        // A row's bits do not depend on whether its neighbours are whole.
        const Var<double> without = tape.make(block_rows, 1, false);
        autodiff::normal_log_prob_present(tape, factor, cells.x.columns(0, count), cells.there.columns(0, count), without);
        for (Index i = 0; i < block_rows; ++i)
          if (cells.there.columns(0, count).val().row(i).minCoeff() == 0) term.value[i] = without.value[i];
      }
      return autodiff::log_mixture(tape, terms, part(logits, 0, logits.size()));
    };
    const Var<double> whole = marginal(all), condition = given > 0 ? marginal(given) : Var<double>{};
    for (Index i = 0; i < rows; ++i)
      out[first + static_cast<std::size_t>(i)] = whole.value[i] - (condition.empty() ? 0.0 : condition.value[i]);
  });
}

double Baseline::mean_log_prob(const Sample& sample, core::ThreadPool& pool) const {
  std::vector<double> scores(sample.rows);
  log_prob(sample.x, sample.context, scores, pool);
  double sum = 0;
  for (const double score : scores) sum += score;
  return sum / static_cast<double>(sample.rows);
}

data::Columns numbers_of(const std::vector<data::Column>& kinds, data::Columns columns) {
  data::Columns numbers;
  for (std::size_t d = 0; d < columns.size(); ++d)
    if (kinds[d].kind != data::Kind::categorical) numbers.push_back(std::move(columns[d]));
  return numbers;
}

void Reference::fit_shares(const std::vector<data::Column>& kinds, const data::Columns& columns) {
  shares.clear();
  for (std::size_t d = 0; d < kinds.size(); ++d) {
    if (kinds[d].kind != data::Kind::categorical) continue;
    std::vector<double> counts(kinds[d].categories.size(), 0.5);
    for (const double code : columns[d]) counts[static_cast<std::size_t>(code)] += 1;
    const double all = static_cast<double>(columns[d].size()) + 0.5 * static_cast<double>(counts.size());
    for (const double count : counts) shares.push_back(std::log(count / all));
  }
}

void Reference::add_shares(const std::vector<data::Column>& kinds, const data::Columns& columns, std::span<double> out) const {
  std::size_t first = 0;
  for (std::size_t d = 0; d < kinds.size(); ++d) {
    if (kinds[d].kind != data::Kind::categorical) continue;
    for (std::size_t row = 0; row < out.size(); ++row)
      if (!std::isnan(columns[d][row])) out[row] += shares[first + static_cast<std::size_t>(columns[d][row])];
    first += kinds[d].categories.size();
  }
}

void Reference::keep_scores(const std::vector<double>& all, std::uint64_t seed) {
  std::vector<std::uint32_t> order = core::permutation({seed, core::Purpose::calibration}, all.size());
  order.resize(std::min(order.size(), most_scores));
  scores.clear();
  for (const std::uint32_t row : order) scores.push_back(std::max(all[row], std::numeric_limits<double>::lowest()));
  std::ranges::sort(scores);
}

void Reference::write(Archive& archive) const {
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape, const std::vector<double>& values) {
    archive.tensors.push_back(make_tensor<double>(name, std::move(shape), values));
  };
  const auto add_mixture = [&](const std::string& name, const Baseline& m) {
    if (m.empty()) return;
    const std::size_t k = m.logits.size();
    add(name + ".logits", {k}, m.logits);
    add(name + ".loc", {k, m.loc.size() / k}, m.loc);
    add(name + ".lower", {k, m.lower.size() / k}, m.lower);
    add(name + ".log_diagonal", {k, m.log_diagonal.size() / k}, m.log_diagonal);
  };
  add_mixture("reference.gaussian", gaussian);
  add_mixture("reference.mixture", mixture);
  if (!gaussian.empty() && !shares.empty()) add("reference.shares", {shares.size()}, shares);
  if (!scores.empty()) add("reference.scores", {scores.size()}, scores);
}

Reference Reference::read(const Archive& archive, const data::Schema& schema, const std::string& where) {
  std::size_t known = 0, columns = 0, categories = 0;
  for (const auto* kinds : {&schema.columns, &schema.context}) {
    for (const data::Column& column : *kinds) {
      if (column.kind != data::Kind::categorical)
        ++columns;
      else if (kinds == &schema.columns)
        categories += column.categories.size();
    }
  }
  const auto take = [&](const std::string& name) -> const Tensor* {
    const Tensor* const tensor = archive.find(name);
    known += tensor ? 1 : 0;
    return tensor;
  };
  const auto read_mixture = [&](const std::string& name, Baseline& m) {
    const Tensor* const logits = take(name + ".logits");
    if (!logits) return;
    m.logits = tensor_values<double>(*logits, where);
    const std::size_t k = m.logits.size();
    const auto read = [&](const std::string& part, std::size_t cols, std::vector<double>& values) {
      const Tensor* const tensor = take(name + part);
      if (!tensor || tensor->shape != std::vector<std::size_t>{k, cols})
        throw core::ModelError(where + ": tensor \"" + name + part + "\" is missing or of another shape than its columns want");
      values = tensor_values<double>(*tensor, where);
    };
    read(".loc", columns, m.loc);
    read(".lower", packed(columns), m.lower);
    read(".log_diagonal", columns, m.log_diagonal);
  };
  Reference reference;
  read_mixture("reference.gaussian", reference.gaussian);
  read_mixture("reference.mixture", reference.mixture);
  if (const Tensor* const shares = take("reference.shares")) reference.shares = tensor_values<double>(*shares, where);
  if (reference.shares.size() != (reference.gaussian.empty() ? 0 : categories))
    throw core::ModelError(where + ": tensor \"reference.shares\" is missing or of another shape than its categories want");
  if (const Tensor* const scores = take("reference.scores")) {
    reference.scores = tensor_values<double>(*scores, where);
    std::ranges::sort(reference.scores);
  }
  const auto mine = std::ranges::count_if(archive.tensors, [](const Tensor& tensor) { return owns(tensor.name); });
  if (static_cast<std::size_t>(mine) != known)
    throw core::ModelError(where + ": holds a tensor \"reference.…\" that no part of a reference has");
  return reference;
}

void fit_baselines(Reference& reference, const Sample& train, const Sample& validation, std::uint64_t seed,
                   core::ThreadPool& pool) {
  const std::size_t columns = train.context.size() + train.x.size();
  if (columns == 0 || columns > Reference::most_columns) return;
  reference.gaussian = packed_mixture({{1.0, distributions::moments(joined(train), {})}});
  reference.mixture = reference.gaussian;
  if (validation.rows == 0) {
    Part fitted, judging;
    for (std::size_t row = 0; row < train.rows; ++row) (row % 10 == 9 ? judging : fitted).add(train, row);
    if (judging.rows > 0) fit_mixture(reference, fitted.sample(), judging.sample(), seed, pool);
  } else {
    fit_mixture(reference, train, validation, seed, pool);
  }
}

}  // namespace flowfit::flow
