// The figures of a model's check, one after the other.
#include "flow/check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/random.h"
#include "flow/differences.h"
#include "flow/spread.h"

namespace flowfit::flow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t checked_rows = 2000;
constexpr double gradient_limit = 1e-5;

double round_trip(const Model& model, const Places& at, core::ThreadPool& pool) {
  std::vector<double> log_det(at.rows.front().size());
  const data::Columns back = model.decode(model.encode(at.rows, at.context, log_det, pool), at.context, log_det, pool);
  double worst = 0;
  for (std::size_t d = 0; d < back.size(); ++d)
    for (std::size_t i = 0; i < log_det.size(); ++i)
      raise_to(worst, std::abs(back[d][i] - at.rows[d][i]) / std::max(std::abs(at.rows[d][i]), at.scales[d]));
  return worst;
}

/// Rows that begin as some of `from` and are then moved: one column at a time to either side, and all columns to random sides.
struct Moved {
  data::Columns rows, context;
  std::size_t count() const { return rows.front().size(); }
};
template <class Move>
Moved moved(const data::Columns& from, const data::Columns& context, std::uint64_t seed, Move move) {
  constexpr std::size_t most_columns = 64, corners = 32;
  const std::size_t dims = from.size(), alone = std::min(dims, most_columns);
  Moved all{data::Columns(dims), data::Columns(context.size())};
  std::vector<double> side(dims);
  for (std::size_t n = 0; n < 2 * alone + corners; ++n) {
    const std::size_t source = n % from.front().size();
    core::RandomKey{seed, core::Purpose::check, 400}.uniforms(n, side);
    for (std::size_t d = 0; d < dims; ++d) {
      const bool stays = n < 2 * alone && n / 2 * dims / alone != d;
      const bool up = n < 2 * alone ? n % 2 == 0 : side[d] < 0.5;
      all.rows[d].push_back(stays ? from[d][source] : move(d, up));
    }
    for (std::size_t c = 0; c < context.size(); ++c) all.context[c].push_back(context[c][source]);
  }
  return all;
}

/// Rows up to 1e9 scales away score a number or −inf, and encode to numbers as far as 1e6; base points at the ends of what can be drawn decode to numbers.
Tails tails(const Model& model, const Model& as_saved, const Places& at, core::ThreadPool& pool, std::uint64_t seed) {
  constexpr double encoded_until = 1e6, farthest = 1e9;
  const bool has_base = model.traits().members == 1;
  Tails result;
  std::size_t bad = 0;
  for (double distance = 10; distance <= farthest; distance *= 10) {
    const Moved far = moved(at.rows, at.context, seed, [&](std::size_t d, bool up) {
      return (up ? distance : -distance) * at.scales[d] + at.rows[d].front();
    });
    result.scored += far.count();
    std::vector<bool> wrong(far.count(), false);
    std::vector<double> score(far.count());
    for (const Model* one : {&model, &as_saved}) {
      one->log_prob(far.rows, far.context, score, pool);
      for (std::size_t i = 0; i < score.size(); ++i) wrong[i] = wrong[i] || std::isnan(score[i]) || score[i] == infinity;
    }
    if (distance <= encoded_until && has_base) {
      const data::Columns z = model.encode(far.rows, far.context, score, pool);
      for (std::size_t i = 0; i < score.size(); ++i) {
        // A row outside the support has no place in the base.
        wrong[i] = wrong[i] || std::isnan(score[i]) ||
                   (score[i] != -infinity &&
                    std::ranges::any_of(z, [&](const std::vector<double>& column) { return std::isnan(column[i]); }));
      }
    }
    bad += static_cast<std::size_t>(std::ranges::count(wrong, true));
  }
  result.bad = {static_cast<double>(bad), 0};
  if (!has_base) return result;
  // Twice the range of some thousand rows is more than a draw leaves in a lifetime.
  std::vector<double> log_det(at.rows.front().size());
  const data::Columns z = model.encode(at.rows, at.context, log_det, pool);
  const auto supports = model.traits().base_support;
  const Moved ends = moved(z, at.context, seed, [&](std::size_t d, bool up) {
    const auto [low, high] = std::ranges::minmax(z[d]);
    const double reach = (up ? high : low) + (up ? 0.5 : -0.5) * (high - low);
    // A float's neighbour of the end: the end itself may be no place for a row.
    constexpr double inside = 1e-6;
    const auto [first, last] = supports[d];
    return std::isfinite(first) && std::isfinite(last)
               ? std::clamp(reach, first + inside * (last - first), last - inside * (last - first))
               : std::clamp(reach, first, last);
  });
  result.decoded = ends.count();
  log_det.resize(ends.count());
  std::vector<bool> wrong(ends.count(), false);
  for (const Model* one : {&model, &as_saved}) {
    for (const std::vector<double>& column : one->decode(ends.rows, ends.context, log_det, pool))
      for (std::size_t i = 0; i < column.size(); ++i) wrong[i] = wrong[i] || !std::isfinite(column[i]);
  }
  bad += static_cast<std::size_t>(std::ranges::count(wrong, true));
  result.bad = {static_cast<double>(bad), 0};
  return result;
}

/// The middle of the contexts, with categories of a drawn one, and `more` drawn ones; without contexts nothing once.
std::vector<std::vector<double>> some_contexts(const Model& model, const data::Columns& context, std::size_t more) {
  std::vector<std::vector<double>> all(1);
  for (std::size_t c = 0; c < context.size(); ++c) {
    const data::Column& column = model.schema().context[c];
    all.front().push_back(column.kind == data::Kind::categorical ? context[c][more] : column.back(0));
  }
  for (std::size_t i = 0; i < more && !context.empty(); ++i) {
    all.emplace_back();
    for (const std::vector<double>& column : context) all.back().push_back(column[i]);
  }
  return all;
}

CheckedMass judged(const Mass& mass, bool estimates) {
  // A score that is off by a quarter must be seen: it moves what is averaged, not what is counted.
  constexpr double errors = 4, least_effective = 100, visible = 0.25;
  CheckedMass checked{mass, {std::abs(mass.value - 1), errors * mass.error}};
  checked.off.judged = !estimates && (std::isnan(mass.value) ||
                                      (mass.effective >= least_effective && errors * mass.error <= visible * (1 - mass.beyond)));
  return checked;
}

// Of two contexts: the one that fails, or by which more is missed.
void keep_worse(std::optional<CheckedMass>& kept, const CheckedMass& other) {
  const auto badness = [](const CheckedMass& m) {
    return m.off.judged ? (std::isnan(m.off.value) ? infinity : m.off.value / m.off.limit) : -1;
  };
  if (!kept || badness(other) > badness(*kept)) kept = other;
}

}  // namespace

std::vector<ModelCheck::Named> ModelCheck::figures() const {
  std::vector<Named> all;
  if (categories) all = {{"category sums", categories->sums}, {"category draws", categories->draws}};
  if (has_numbers && has_base) all.insert(all.end(), {{"round trip", round_trip}, {"log-det", log_det}});
  if (has_numbers) all.push_back({"gradient by rows", row_gradient});
  if (tensors > 0) all.push_back({"gradient by parameters", parameter_gradient});
  if (has_numbers) all.push_back({"tails", tails.bad});
  if (integral) all.push_back({"normalization", integral_off});
  if (wider) all.push_back({"normalization", wider->off});
  if (narrower) all.push_back({"samples", narrower->off});
  return all;
}

bool ModelCheck::ok() const {
  return std::ranges::all_of(figures(), [](const Named& named) { return named.figure.ok(); });
}

namespace {

void check_numbers(const Model& model, const Model& as_saved, const data::Columns& contexts, core::ThreadPool& pool,
                   std::uint64_t seed, ModelCheck& check) {
  constexpr std::size_t most_moved = 1 << 17, most_log_det_rows = 64, gradient_rows = 64;
  constexpr double off_limits = 0.01;  // of a cell's length
  constexpr double integral_limit = 2e-3, log_det_limit = 1e-5, round_trip_limit = 1e-8;
  const std::size_t dims = model.schema().columns.size();
  Places at;
  at.context = contexts;
  at.rows = model.sample(seed, 0, checked_rows, at.context, pool);
  for (std::size_t d = 0; d < dims; ++d) {
    at.scales.push_back(spread(at.rows[d]).scale);
    std::vector<double>& lengths = at.lengths.emplace_back();
    const data::Column& column = model.schema().columns[d];
    for (double& x : at.rows[d]) {
      const double length = column.affine() ? at.scales[d] : std::min(at.scales[d], std::exp(-column.at(x).log_slope));
      lengths.push_back(length);
      // A draw that a limit holds back lies where two pieces of the preprocessing meet: a slope there has two sides.
      if (column.kind == data::Kind::bounded && (x == column.least || x == column.most))
        x += (x == column.least ? off_limits : -off_limits) * length;
    }
  }
  const Places few = at.first(gradient_rows);

  check.rows = checked_rows;
  check.gradient_rows = gradient_rows;
  const Model::Traits traits = model.traits();
  check.estimates = traits.estimates;
  // What one layer leaves of a row, the next ones may enlarge; and differences enlarge by their step what two neighbouring rows do not share.
  const double inexact = traits.tolerance;
  check.has_base = traits.members == 1;
  if (check.has_base) {
    check.round_trip = {round_trip(model, at, pool), std::max(round_trip_limit, 10 * inexact)};
    check.log_det_rows = std::clamp<std::size_t>(most_moved / (2 * dims), 1, most_log_det_rows);
    check.log_det = {log_det_difference(model, at, check.log_det_rows, pool), std::max(log_det_limit, 100 * inexact),
                     !traits.estimates};
  }
  check.row_gradient = {row_gradient_difference(model, few, pool, seed), std::max(gradient_limit, 100 * inexact)};
  const ParameterDifference parameters = parameter_gradient_difference(model, few, pool, seed);
  check.parameter_gradient = {parameters.value, std::max(gradient_limit, 100 * inexact)};
  check.parameter = parameters.where;
  check.tensors = parameters.tensors;
  check.tails = tails(model, as_saved, at, pool, seed);
  if (dims <= 2) {
    for (const std::vector<double>& given : some_contexts(model, at.context, 2)) {
      Integral integral = integrate(model, given, pool, seed);
      const double off = std::abs(integral.value - 1);
      if (check.integral && off <= check.integral_off.value) continue;
      check.integral = std::move(integral);
      check.integral_off = {off, integral_limit, !traits.estimates};
    }
    return;
  }
  for (const std::vector<double>& given : some_contexts(model, at.context, 1)) {
    const Importance found = importance(model, given, pool, seed);
    keep_worse(check.wider, judged(found.wider, traits.estimates));
    keep_worse(check.narrower, judged(found.narrower, traits.estimates));
  }
}

}  // namespace

ModelCheck check_model(const Checkable& model, core::ThreadPool& pool, std::uint64_t seed) {
  ModelCheck check;
  data::Columns contexts = draw_context((model.categories ? model.categories : model.numbers)->schema(), checked_rows, seed);
  if (model.categories) {
    check.categories = check_categories(*model.categories, pool, seed);
    for (std::vector<double>& codes : model.categories->sample(seed, 0, checked_rows, contexts, pool))
      contexts.push_back(std::move(codes));
  }
  check.has_numbers = model.numbers != nullptr;
  if (check.has_numbers) check_numbers(*model.numbers, *model.as_saved, contexts, pool, seed, check);
  if (!model.categories) return check;
  const ParameterDifference& of_categories = check.categories->parameters;
  if (!(of_categories.value <= check.parameter_gradient.value) || !check.has_numbers) {
    check.parameter_gradient.value = of_categories.value;
    check.parameter = of_categories.where;
  }
  check.parameter_gradient.limit = std::max(gradient_limit, check.parameter_gradient.limit);
  check.gradient_rows = check.categories->gradient_rows;
  check.tensors += of_categories.tensors;
  return check;
}

}  // namespace flowfit::flow
