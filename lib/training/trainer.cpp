// Lanes of blocks forward and backward, then one optimizer pass.
#include "training/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flowfit::training {
namespace {

// More lanes than most machines have cores cost memory (a gradient each) and a longer sum; fewer leave cores idle.
constexpr std::size_t most_lanes = 8;
constexpr std::size_t block = static_cast<std::size_t>(flow::block_rows);

std::size_t blocks_of(std::size_t rows) { return (rows + block - 1) / block; }

/// A batch cut into blocks of nearly equal size, by its size alone. Blocks hold whole units of rows, so that elementwise loops have no
/// tails; at least two of them, so that a small batch is shared between threads, and none so large that it leaves the cache.
class Blocks {
 public:
  explicit Blocks(std::size_t rows) : rows_(rows), units_((rows + unit - 1) / unit) {
    count_ = (units_ + most_units - 1) / most_units;
    count_ = std::min(count_ + count_ % 2, units_);
  }
  std::size_t count() const { return count_; }
  std::size_t first(std::size_t b) const { return unit * (b * (units_ / count_) + std::min(b, units_ % count_)); }
  std::size_t padded(std::size_t b) const { return first(b + 1) - first(b); }
  std::size_t rows(std::size_t b) const { return std::min(padded(b), rows_ - first(b)); }

 private:
  static constexpr std::size_t unit = 16, most_units = 9;
  std::size_t rows_, units_, count_;
};

}  // namespace

template <class T>
Trainer<T>::Trainer(flow::TypedModel<T>& model, const Settings& settings, const Rows<T>& train, const Rows<T>& validation,
                    core::ThreadPool& pool)
    : model_(model),
      settings_(settings),
      train_(train),
      validation_(validation),
      pool_(pool),
      optimizer_(settings, model.layout()),
      batch_(settings.batch_size ? std::min(static_cast<std::size_t>(*settings.batch_size), train.count) : train.count),
      steps_per_epoch_((train.count + batch_ - 1) / batch_),
      every_(settings.evaluate_every ? *settings.evaluate_every
                                     : (batch_ == train.count ? 10 : static_cast<std::int64_t>(steps_per_epoch_))),
      orders_(model.density().members().size(), std::vector<std::uint32_t>(train.count)) {
  for (std::vector<std::uint32_t>& order : orders_) std::iota(order.begin(), order.end(), 0u);
  const std::size_t lanes = std::min(most_lanes, Blocks(batch_).count()), size = model.weights().size();
  gradients_.assign(lanes * size, T(0));
  for (std::size_t l = 0; l < lanes; ++l) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->gradient = gradients_.data() + l * size;
    lanes_.back()->untouched = std::make_unique<bool[]>(model.layout().parameters().size());
    lanes_.back()->sums.resize(static_cast<std::size_t>(model.layout().sums()));
    lane_gradients_.push_back(lanes_.back()->gradient);
  }
  sums_.resize(static_cast<std::size_t>(model.layout().sums()));
  if (settings.ema) state_.average = model.weights();
}

template <class T>
void Trainer<T>::dequantize(nn::Tape<T>& tape, std::uint64_t seed, const std::uint64_t* row_ids, const double* whole,
                            flow::Var<T> x) const {
  const std::size_t count = train_.integers.size();
  if (count == 0) return;
  const core::RandomKey key{seed, core::Purpose::dequantize, static_cast<std::uint32_t>(state_.step)};
  double* uniforms = tape.template scratch<double>(static_cast<Index>(count));
  for (Index i = 0; i < x.rows; ++i) {
    key.uniforms(row_ids[i], {uniforms, count});
    for (std::size_t k = 0; k < count; ++k) {
      const data::Column& column = model_.schema().columns[train_.integers[k]];
      const double value = whole[static_cast<Index>(k) * x.rows + i] + uniforms[k];
      x.value[static_cast<Index>(train_.integers[k]) * x.rows + i] = static_cast<T>(column.at(value).value);
    }
  }
}

template <class T>
typename Trainer<T>::Loaded Trainer<T>::load(Lane& lane, std::size_t member, const Batch& batch, std::size_t b, bool inputs) {
  const Index features = static_cast<Index>(train_.features), contexts = static_cast<Index>(train_.contexts);
  const Blocks blocks(batch.rows);
  const auto ids = std::span<const std::uint32_t>(orders_[member]).subspan(batch.first + blocks.first(b), blocks.rows(b));
  const Index padded = static_cast<Index>(blocks.padded(b));
  lane.tape.reset(nn::Mode::differentiate);
  std::uint64_t* row_ids = lane.tape.template scratch<std::uint64_t>(padded);
  for (std::size_t i = 0; i < blocks.padded(b); ++i) row_ids[i] = ids[std::min(i, ids.size() - 1)];
  double* whole = lane.tape.template scratch<double>(padded * static_cast<Index>(train_.integers.size()));
  const Loaded loaded{ids,
                      {lane.tape, model_.weights().data(), lane.gradient, lane.untouched.get(), true, settings_.seed,
                       static_cast<std::uint32_t>(state_.step), row_ids, lane.sums.data(), static_cast<Index>(ids.size())},
                      lane.tape.make(padded, features, inputs),
                      contexts > 0 ? lane.tape.make(padded, contexts, false) : flow::Var<T>{}};
  train_.load(ids, padded, loaded.x.value, loaded.context.value, whole, lane.buffer);
  dequantize(lane.tape, settings_.seed + member, row_ids, whole, loaded.x);
  if (settings_.jitter > 0) {
    const core::RandomKey key{settings_.seed + member, core::Purpose::jitter, static_cast<std::uint32_t>(state_.step)};
    double* noise = lane.tape.template scratch<double>(features);
    for (Index i = 0; i < padded; ++i) {
      key.normals(row_ids[i], {noise, static_cast<std::size_t>(features)});
      for (Index j = 0; j < features; ++j)
        if (model_.schema().columns[static_cast<std::size_t>(j)].kind != data::Kind::categorical)
          loaded.x.value[j * padded + i] += static_cast<T>(settings_.jitter * noise[j]);
    }
  }
  return loaded;
}

template <class T>
void Trainer<T>::begin_gradient(Lane& lane) const {
  std::fill_n(lane.untouched.get(), model_.layout().parameters().size(), true);
}

template <class T>
void Trainer<T>::end_gradient(Lane& lane) const {
  for (std::size_t p = 0; const nn::Parameter& parameter : model_.layout().parameters())
    if (lane.untouched[p++]) std::fill_n(lane.gradient + parameter.offset, parameter.size, T(0));
}

template <class T>
void Trainer<T>::run_lane(Lane& lane, std::size_t number, const Batch& batch) {
  begin_gradient(lane);
  lane.sum = 0;
  std::ranges::fill(lane.sums, 0.0);
  // Divided by the number of rows and not by their weights' sum: an epoch's steps then add up to the gradient of the weighted mean.
  const double share = -1.0 / static_cast<double>(batch.rows);
  const auto& members = model_.density().members();
  // An ensemble's members see rows in orders of their own, and are trained side by side as if each were alone.
  for (std::size_t b = number; b < Blocks(batch.rows).count(); b += lanes_.size()) {
    for (std::size_t m = 0; m < members.size(); ++m) {
      Loaded loaded = load(lane, m, batch, b, false);
      const flow::Var<T> log_p = members[m].log_prob(loaded.pass, loaded.x, loaded.context);
      for (std::size_t i = 0; i < loaded.ids.size(); ++i) {
        const double weight = train_.weight(loaded.ids[i]);
        lane.sum += weight * static_cast<double>(log_p.value[i]);
        if (log_p.wants_grad()) log_p.adjoint[i] = static_cast<T>(share * weight);
      }
      lane.tape.backward();
    }
  }
  end_gradient(lane);
}

template <class T>
void Trainer<T>::update_statistics(std::size_t rows) {
  if (sums_.empty()) return;
  // A lane's blocks follow from the batch alone, and the lanes are added in their order: the same bits for any pool.
  std::ranges::fill(sums_, 0.0);
  for (const auto& lane : lanes_) {
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += lane->sums[i];
  }
  model_.density().update_statistics(model_.weights(), sums_, static_cast<Index>(rows));
}

template <class T>
typename Trainer<T>::Batch Trainer<T>::next_batch() {
  const bool full = batch_ == train_.count;
  const std::int64_t epoch = state_.step / static_cast<std::int64_t>(steps_per_epoch_);
  for (std::size_t m = 0; !full && epoch != epoch_ && m < orders_.size(); ++m)
    core::permute({settings_.seed + m, core::Purpose::shuffle, static_cast<std::uint32_t>(epoch)}, orders_[m]);
  epoch_ = epoch;
  const std::size_t first = static_cast<std::size_t>(state_.step % static_cast<std::int64_t>(steps_per_epoch_)) * batch_;
  return {first, std::min(batch_, train_.count - first)};
}

template <class T>
StepResult<T> Trainer<T>::step() {
  const Batch batch = next_batch();
  pool_.run(static_cast<int>(lanes_.size()),
            [&](int l, int) { run_lane(*lanes_[static_cast<std::size_t>(l)], static_cast<std::size_t>(l), batch); });

  StepResult<T> result;
  for (const auto& lane : lanes_) result.nll -= lane->sum;
  const double members = static_cast<double>(orders_.size());
  result.nll /= static_cast<double>(batch.rows) * members;
  result.norm = optimizer_.reduce(lane_gradients_, pool_) / std::sqrt(members);
  if (!std::isfinite(result.nll) || !std::isfinite(result.norm)) return result;
  const double rate = state_.rate_factor * settings_.learning_rate(state_.step);
  optimizer_.update(model_.weights(), {lanes_.front()->gradient, model_.weights().size()}, result.norm, rate, state_.step, pool_);
  update_statistics(batch.rows);
  state_.loss_sum += result.nll;
  ++state_.loss_count;
  if (settings_.ema) {
    // The decay grows from 0.1, so that the average forgets the start.
    const double t = static_cast<double>(state_.step);
    const T keep = static_cast<T>(std::min(*settings_.ema, (1 + t) / (10 + t)));
    T* average = state_.average.data();
    const T* weights = model_.weights().data();
    for (std::size_t i = 0; i < state_.average.size(); ++i) average[i] = keep * average[i] + (T(1) - keep) * weights[i];
  }
  ++state_.step;
  return result;
}

template <class T>
Cause Trainer<T>::cause() {
  const Batch batch = next_batch();
  const auto& members = model_.density().members();
  Lane& lane = *lanes_.front();
  begin_gradient(lane);
  Cause cause;
  const auto look_at = [&](const flow::Density<T>& member, Loaded& loaded, auto&& is_finite) {
    const Index rows = static_cast<Index>(loaded.ids.size());
    const flow::Var<T> log_p = member.log_prob(loaded.pass, loaded.x, loaded.context);
    for (Index i = 0; i < log_p.rows; ++i) log_p.adjoint[i] = i < rows ? T(1) : T(0);
    if (cause.backward) lane.tape.backward();
    for (Index i = 0; i < rows; ++i) {
      if (is_finite(loaded, log_p, i)) continue;
      cause.rows.push_back(loaded.ids[static_cast<std::size_t>(i)]);
      if (!cause.backward && cause.where.empty()) cause.where = member.not_finite_at(loaded.pass, loaded.x, loaded.context, i);
    }
  };
  const auto look = [&](auto&& is_finite) {
    for (std::size_t m = 0; m < members.size(); ++m) {
      for (std::size_t b = 0; b < Blocks(batch.rows).count(); ++b) {
        Loaded loaded = load(lane, m, batch, b, true);
        look_at(members[m], loaded, is_finite);
      }
    }
    // A row may trouble several members.
    std::ranges::sort(cause.rows);
    cause.rows.erase(std::unique(cause.rows.begin(), cause.rows.end()), cause.rows.end());
  };
  look([](const Loaded&, flow::Var<T> log_p, Index row) { return std::isfinite(log_p.value[row]); });
  if (!cause.rows.empty()) return cause;
  cause.backward = true;
  look([](const Loaded& loaded, flow::Var<T>, Index row) {
    for (Index j = 0; j < loaded.x.cols; ++j)
      if (!std::isfinite(loaded.x.adjoint[j * loaded.x.rows + row])) return false;
    return true;
  });
  end_gradient(lane);
  // The gradient runs from the base through flow.0 onwards, as the parameters lie: the first that it spoils is nearest to the fault.
  for (const nn::Parameter& p : model_.layout().parameters()) {
    const std::span<const T> gradient(lane.gradient + p.offset, static_cast<std::size_t>(p.size));
    if (std::ranges::all_of(gradient, [](T g) { return std::isfinite(g); })) continue;
    cause.where = p.name;
    break;
  }
  return cause;
}

template <class T>
const std::vector<T>& Trainer<T>::frozen(const std::vector<T>& weights) {
  if (!model_.density().keeps_statistics()) return weights;
  frozen_ = weights;
  const Rows<T>& rows = train_.looked_at();
  model_.density().set_statistics(frozen_, rows.x, rows.context, static_cast<Index>(rows.count), pool_);
  return frozen_;
}

template <class T>
const std::vector<T>& Trainer<T>::saved() {
  if (!state_.best.empty()) return state_.best;
  return frozen(settings_.ema ? state_.average : model_.weights());
}

template <class T>
void Trainer<T>::evaluate() {
  if (validation_.count == 0) return;
  const std::vector<T>& weights = frozen(settings_.ema ? state_.average : model_.weights());
  state_.last_nll = nll(validation_, weights);
  if (!state_.best_nll || *state_.last_nll < *state_.best_nll) {
    state_.best_nll = state_.last_nll;
    state_.best = weights;
    state_.best_step = state_.step;
    state_.since_best = 0;
  } else {
    ++state_.since_best;
  }
}

template <class T>
void Trainer<T>::save(Snapshot<T>& snapshot) const {
  snapshot.state = state_;
  snapshot.weights = model_.weights();
  snapshot.first_moment = optimizer_.first_moment();
  snapshot.second_moment = optimizer_.second_moment();
}

template <class T>
void Trainer<T>::restore(const Snapshot<T>& snapshot) {
  state_ = snapshot.state;
  model_.weights() = snapshot.weights;
  optimizer_.first_moment() = snapshot.first_moment;
  optimizer_.second_moment() = snapshot.second_moment;
  epoch_ = -1;  // the next step draws its epoch's order again
}

template <class T>
std::vector<double> Trainer<T>::scores(const Rows<T>& rows, const std::vector<T>& weights) {
  const Index features = static_cast<Index>(rows.features), contexts = static_cast<Index>(rows.contexts);
  std::vector<double> scores(rows.count);
  const int lanes = static_cast<int>(lanes_.size());
  pool_.run(lanes, [&](int l, int) {
    Lane& lane = *lanes_[static_cast<std::size_t>(l)];
    nn::Tape<T>& tape = lane.tape;
    for (std::size_t b = static_cast<std::size_t>(l); b < blocks_of(rows.count); b += lanes_.size()) {
      tape.reset(nn::Mode::evaluate);
      const std::size_t first = b * block, count = std::min(block, rows.count - first);
      const flow::Var<T> x = tape.make(flow::block_rows, features, false),
                         context = contexts > 0 ? tape.make(flow::block_rows, contexts, false) : flow::Var<T>{};
      rows.load(first, count, flow::block_rows, x.value, context.value, lane.buffer);
      flow::Pass<T> pass{tape, weights.data()};
      const flow::Var<T> log_p = model_.density().log_prob(pass, x, context);
      for (std::size_t i = 0; i < count; ++i) scores[first + i] = static_cast<double>(log_p.value[i]);
    }
  });
  return scores;
}

template <class T>
double Trainer<T>::nll(const Rows<T>& rows, const std::vector<T>& weights) {
  double sum = 0;
  const std::vector<double> all = scores(rows, weights);
  for (std::size_t row = 0; row < all.size(); ++row) sum -= rows.weight(row) * all[row];
  return sum / static_cast<double>(rows.count);
}

template <class T>
std::vector<std::size_t> Trainer<T>::bad_rows(const Rows<T>& rows, const std::vector<T>& weights) {
  std::vector<std::size_t> bad;
  if (rows.count == 0) return bad;
  const std::vector<double> all = scores(rows, weights);
  for (std::size_t row = 0; row < all.size(); ++row)
    if (!std::isfinite(all[row])) bad.push_back(row);
  return bad;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace flowfit::training
