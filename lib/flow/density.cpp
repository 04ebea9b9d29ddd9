// Reading the factors, and running each on its columns.
#include "flow/density.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "autodiff/ops/categorical.h"
#include "autodiff/ops/elementwise.h"
#include "autodiff/ops/missing.h"
#include "core/text.h"

namespace flowfit::flow {
namespace {

/// Reads a factor's "columns" or "context": names among `known` → places of each; records errors.
std::vector<int> places(const config::Node& node, const char* key, const std::vector<std::string>& known) {
  std::vector<int> found;
  for (const config::Node& element : node.member(key).elements()) {
    const std::string name = element.as_string().value_or("");
    const std::size_t before = found.size();
    for (std::size_t place = 0; place < known.size(); ++place)
      if (known[place] == name && !name.empty()) found.push_back(static_cast<int>(place));
    if (found.size() == before && !name.empty())
      element.error("expected a column that is known here", core::suggestion(name, known));
  }
  return found;
}

/// Whether `places` are 0 … count − 1.
bool counts_up_to(const std::vector<int>& places, int count) {
  int next = 0;
  return static_cast<int>(places.size()) == count && std::ranges::all_of(places, [&next](int place) { return place == next++; });
}

}  // namespace

template <class T>
Density<T>::Density(const config::Node& root, const std::vector<data::ColumnSpec>& columns,
                    const std::vector<data::ColumnSpec>& context, nn::ParameterLayout& layout, std::uint64_t seed,
                    const std::string& prefix)
    : features_(static_cast<int>(columns.size())) {
  const std::size_t start = layout.parameters().size();
  std::vector<std::string> names, seen_names;  // of x, where categories have none; of each number that networks see
  const auto see = [&](const data::ColumnSpec& spec, int place) {
    const int features = spec.features();
    context_.push_back({spec.kind, place, features});
    seen_names.insert(seen_names.end(), static_cast<std::size_t>(features), spec.name);
    plain_ = plain_ && spec.kind != data::Kind::categorical && features == 1;
  };
  for (std::size_t i = 0; i < context.size(); ++i) see(context[i], static_cast<int>(i));
  context_features_ = static_cast<int>(seen_names.size());
  std::vector<int> codes, counts;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool categorical = columns[i].kind == data::Kind::categorical;
    names.push_back(categorical ? "" : columns[i].name);
    if (!categorical) continue;
    see(columns[i], static_cast<int>(i));
    codes.push_back(static_cast<int>(i));
    counts.push_back(columns[i].features());
  }
  seen_features_ = static_cast<int>(seen_names.size());
  if (!codes.empty())
    categories_ = std::make_unique<Categories<T>>(root.member("categorical"), layout, std::move(codes), std::move(counts),
                                                  context_features_, prefix);
  read_factors(root, names, seen_names, {layout, prefix, seed, start});
}

template <class T>
void Density<T>::read_factors(const config::Node& root, const std::vector<std::string>& columns,
                              const std::vector<std::string>& seen, const Place& place) {
  std::vector<int> numbers;  // the columns of x that a flow models
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) continue;
    numbers.push_back(static_cast<int>(i));
    names.push_back(columns[i]);
  }
  const config::Node factors = root.member("factors");
  if (!factors.exists()) {
    const config::Node layers = root.member("flow");
    if (names.empty()) {
      if (layers.exists() && !(layers.is_array() && layers.elements().empty()))
        layers.error("expected no layers: every column is categorical", "remove them");
      if (root.has("base")) root.error_at("base", "every column is categorical, so there is no flow; remove it");
      return;
    }
    std::vector<int> given(seen.size());
    std::iota(given.begin(), given.end(), 0);
    if (!layers.exists()) root.error_at("flow", R"(required key is missing; give the list of transforms, or "factors")");
    Flow<T> flow(layers, root.member("base"), place.prefix, place.layout, static_cast<int>(names.size()),
                 static_cast<int>(seen.size()), place.seed, names, place.start);
    factors_.push_back({.columns = std::move(numbers), .given = std::move(given), .flow = std::move(flow)});
    return;
  }
  if (root.has("flow")) root.error_at("flow", R"(a config has "flow" or "factors", not both; remove one)");
  if (root.has("base")) root.error_at("base", "each factor has its own base; move it there");
  std::vector<std::string> known = seen;  // grows: a factor may look at the columns of those before it
  std::vector<std::string> all_names = seen;
  all_names.insert(all_names.end(), columns.begin(), columns.end());
  for (std::size_t i = seen.size(); i < all_names.size(); ++i) known.emplace_back();
  std::vector<bool> taken(columns.size(), false);
  int number = 0;
  for (const config::Node& node : factors.elements()) {
    (void)node.required("columns");
    std::vector<int> own = places(node, "columns", columns);
    std::vector<int> given = places(node, "context", known);
    for (const int column : own) {
      const auto i = static_cast<std::size_t>(column);
      if (taken[i]) node.member("columns").error("column " + core::quoted(columns[i]) + " is in another factor already");
      taken[i] = true;
      known[seen.size() + i] = columns[i];
    }
    if (own.empty()) {
      if (node.has("columns")) node.member("columns").error("expected at least one column");
      own = {0};
    }
    if (!node.has("context")) node.resolve("context", config::Json(std::vector<std::string>{}));
    const config::Node layers = node.required("flow");
    const int own_count = static_cast<int>(own.size()), given_count = static_cast<int>(given.size());
    std::vector<std::string> own_names;
    for (const int column : own) own_names.push_back(columns[static_cast<std::size_t>(column)]);
    factors_.push_back({.columns = std::move(own),
                        .given = std::move(given),
                        .flow = Flow<T>(layers, node.member("base"), place.prefix + "factors." + std::to_string(number++) + ".",
                                        place.layout, own_count, given_count, place.seed, own_names, place.start)});
    node.finish();
  }
  for (const int column : numbers) {
    const auto i = static_cast<std::size_t>(column);
    if (!taken[i])
      factors.error("column " + core::quoted(columns[i]) + " is in no factor", "add it to one, or leave it out of data.columns");
  }
}

template <class T>
Var<T> Density<T>::seen(Pass<T>& pass, Var<T> context, Var<T> x) const {
  if (plain_) return context;
  const Var<T> all = pass.tape.make(x.empty() ? context.rows : x.rows, seen_features_, false);
  Index first = 0;
  for (const Seen& column : context_) {
    const Var<T> from = (first < context_features_ ? context : x).columns(column.place, 1),
                 to = all.columns(first, column.features);
    if (column.kind == data::Kind::categorical)
      autodiff::indicators(from, to);
    else if (column.kind == data::Kind::periodic)
      autodiff::circle_point(from, to);
    else
      to.val() = from.val();
    first += column.features;
  }
  return all;
}

template <class T>
Var<T> Density<T>::part(Pass<T>& pass, const Factor& factor, Var<T> x) const {
  return counts_up_to(factor.columns, features_) ? x : autodiff::gather_columns(pass.tape, x, factor.columns);
}

template <class T>
Var<T> Density<T>::given(Pass<T>& pass, const Factor& factor, Var<T> seen, Var<T> x) const {
  if (factor.given.empty()) return {};
  if (counts_up_to(factor.given, seen_features_)) return seen;
  const bool of_x = std::ranges::any_of(factor.given, [this](int place) { return place >= seen_features_; });
  return autodiff::gather_columns(pass.tape, of_x ? autodiff::concat(pass.tape, seen, x) : seen, factor.given);
}

template <class T>
Var<T> Density<T>::log_prob(Pass<T>& pass, Var<T> x, Var<T> context) const {
  if (takes_missing_) return log_prob_present(pass, x, context);
  const Var<T> sees = seen(pass, context, x);
  Var<T> sum;
  if (categories_) sum = categories_->log_prob(pass, x, of_context(sees));
  for (const Factor& factor : factors_) {
    const Var<T> term = factor.flow.log_prob(pass, part(pass, factor, x), given(pass, factor, sees, x));
    sum = sum.empty() ? term : autodiff::add(pass.tape, sum, term);
  }
  return sum;
}

template <class T>
std::string Density<T>::not_finite_at(Pass<T>& pass, Var<T> x, Var<T> context, Index row) const {
  if (takes_missing_) x = autodiff::present(pass.tape, x).x;
  const Var<T> sees = seen(pass, context, x);
  for (const Factor& factor : factors_) {
    std::string place = factor.flow.not_finite_at(pass, part(pass, factor, x), given(pass, factor, sees, x), row);
    if (!place.empty()) return place;
  }
  return {};
}

// step(factor, columns so far) → the factor's own columns and log_det. `codes`: a block to take the categories from.
template <class T>
template <class Step>
Mapped<T> Density<T>::by_factor(Pass<T>& pass, Var<T> codes, Index rows, Step step) const {
  if (factors_.size() == 1 && counts_up_to(factors_.front().columns, features_)) return step(factors_.front(), Var<T>{});
  const Var<T> all = pass.tape.make(rows, features_, true);
  all.val().setZero();
  if (categories_)
    for (const int place : categories_->places()) all.columns(place, 1).val() = codes.columns(place, 1).val();
  Var<T> log_det;
  for (const Factor& factor : factors_) {
    const Mapped<T> m = step(factor, all);
    autodiff::scatter_columns(pass.tape, m.value, all, factor.columns);
    log_det = log_det.empty() ? m.log_det : autodiff::add(pass.tape, log_det, m.log_det);
  }
  return {all, log_det.empty() ? autodiff::constant(pass.tape, rows, 1, T(0)) : log_det};
}

template <class T>
Mapped<T> Density<T>::encode(Pass<T>& pass, Var<T> x, Var<T> context) const {
  const Var<T> sees = seen(pass, context, x);
  return by_factor(pass, x, x.rows, [&](const Factor& factor, Var<T>) {
    return factor.flow.encode(pass, part(pass, factor, x), given(pass, factor, sees, x));
  });
}

template <class T>
Mapped<T> Density<T>::decode(Pass<T>& pass, Var<T> z, Var<T> context) const {
  const Var<T> sees = seen(pass, context, z);
  return by_factor(pass, z, z.rows, [&](const Factor& factor, Var<T> x) {
    return factor.flow.decode(pass, part(pass, factor, z), given(pass, factor, sees, x));
  });
}

template <class T>
Var<T> Density<T>::sample(Pass<T>& pass, Index rows, Var<T> context, std::uint64_t seed) const {
  std::uint32_t number = 0;
  constexpr std::uint32_t of_categories = 0x40000000u;  // apart from the factors' streams, which count from 0
  Var<T> codes;
  if (categories_) {
    codes = pass.tape.make(rows, features_, false);
    codes.val().setZero();  // a column of x that is no category yet: only the context's are seen
    const Var<T> sees = seen(pass, context, codes);
    categories_->sample(pass, of_context(sees), {seed, core::Purpose::sample, of_categories}, codes);
  }
  const Var<T> sees = seen(pass, context, codes);
  const Var<T> none = autodiff::constant(pass.tape, rows, 1, T(0));
  return by_factor(pass, codes, rows,
                   [&](const Factor& factor, Var<T> x) -> Mapped<T> {
                     return {
                         factor.flow.sample(pass, rows, given(pass, factor, sees, x), {seed, core::Purpose::sample, number++}),
                         none};
                   })
      .value;
}

template <class T>
void Density<T>::set_from_rows(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                               core::ThreadPool& pool, Chosen chosen, const core::RandomKey* base_key) const {
  std::vector<std::unique_ptr<nn::Tape<T>>> tapes;
  for (int worker = 0; worker < pool.size(); ++worker) tapes.push_back(std::make_unique<nn::Tape<T>>());
  // Rows of one block, padded with copies of its first one: a row's bits depend on neither.
  const auto load = [&](nn::Tape<T>& tape, std::span<const T> from, Index first) -> Var<T> {
    if (from.empty()) return {};
    const Index count = std::min(block_rows, n - first);
    const Var<T> x = tape.make(block_rows, static_cast<Index>(from.size()) / n, false);
    for (Index j = 0; j < x.cols; ++j) {
      const T* column = from.data() + j * n + first;
      T* end = std::copy_n(column, count, x.value + j * block_rows);
      std::fill_n(end, block_rows - count, column[0]);
    }
    return x;
  };
  std::uint32_t number = 0;
  for (const Factor& factor : factors_) {
    const auto& layers = factor.flow.layers();
    const auto& base = factor.flow.base();
    const std::uint32_t place = number++;
    const bool sets_base = base_key && base.needs_initialize();
    // The rows on their way through the layers, from the data to the base.
    std::vector<T> x(static_cast<std::size_t>(n) * factor.columns.size());
    const auto by_blocks = [&](auto step) {
      pool.run(static_cast<int>((n + block_rows - 1) / block_rows), [&](int block, int worker) {
        nn::Tape<T>& tape = *tapes[static_cast<std::size_t>(worker)];
        tape.reset(nn::Mode::evaluate);
        Pass<T> pass{tape, parameters.data()};
        const Index first = block * block_rows, count = std::min(block_rows, n - first);
        const Var<T> y = step(pass, first);
        for (Index j = 0; j < y.cols; ++j) std::copy_n(y.value + j * block_rows, count, x.data() + j * n + first);
      });
    };
    auto left = std::ranges::count_if(layers, [&](const auto& layer) { return ((*layer).*chosen)(); }) + (sets_base ? 1 : 0);
    if (left == 0) continue;
    by_blocks([&](Pass<T>& pass, Index first) { return part(pass, factor, load(pass.tape, rows, first)); });
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      if (((**layer).*chosen)()) {
        (*layer)->initialize(parameters, x, n);
        if (--left == 0) break;
      }
      by_blocks([&](Pass<T>& pass, Index first) {
        Var<T> looks_at;
        if (!factor.given.empty()) {
          const Var<T> all = load(pass.tape, rows, first);
          looks_at = given(pass, factor, seen(pass, load(pass.tape, context, first), all), all);
        }
        return (*layer)->inverse(pass, load(pass.tape, x, first), looks_at).value;
      });
    }
    if (sets_base) {
      core::RandomKey key = *base_key;
      key.epoch += place;
      base.initialize(parameters, x, n, key);
    }
  }
}

template <class T>
void Density<T>::initialize(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                            std::uint64_t seed, core::ThreadPool& pool) const {
  // Apart from the first weights, whose streams count from 0.
  const core::RandomKey key{seed, core::Purpose::initialize, 0x80000000u};
  if (categories_) categories_->initialize(parameters, rows, n);
  set_from_rows(parameters, rows, context, n, pool, &transforms::Transform<T>::needs_initialize, &key);
}

template <class T>
void Density<T>::set_statistics(std::span<T> parameters, std::span<const T> rows, std::span<const T> context, Index n,
                                core::ThreadPool& pool) const {
  set_from_rows(parameters, rows, context, n, pool, &transforms::Transform<T>::keeps_statistics, nullptr);
}

template <class T>
void Density<T>::update_statistics(std::span<T> parameters, std::span<const double> sums, Index n) const {
  for (const Factor& factor : factors_) {
    for (const auto& layer : factor.flow.layers()) layer->update_statistics(parameters, sums, n);
  }
}

template <class T>
bool Density<T>::keeps_statistics() const {
  return std::ranges::any_of(factors_, [](const Factor& factor) {
    return std::ranges::any_of(factor.flow.layers(), [](const auto& layer) { return layer->keeps_statistics(); });
  });
}

template <class T>
double Density<T>::tolerance() const {
  double most = 0;
  for (const Factor& factor : factors_) most = std::max(most, factor.flow.tolerance());
  return most;
}

template <class T>
bool Density<T>::estimates() const {
  return std::ranges::any_of(factors_, [](const Factor& factor) { return factor.flow.estimates(); });
}

template <class T>
std::vector<std::pair<double, double>> Density<T>::base_support() const {
  std::vector<std::pair<double, double>> all(static_cast<std::size_t>(features_));
  for (const Factor& factor : factors_)
    for (const int column : factor.columns) all[static_cast<std::size_t>(column)] = factor.flow.base().support();
  for (std::size_t j = 0; categories_ && j < categories_->places().size(); ++j)
    all[static_cast<std::size_t>(categories_->places()[j])] = {0.0, categories_->counts()[j] - 1.0};
  return all;
}

template <class T>
std::vector<bool> Density<T>::standard_normal() const {
  std::vector<bool> all(static_cast<std::size_t>(features_));
  for (const Factor& factor : factors_)
    for (std::size_t d = 0; d < factor.columns.size(); ++d)
      all[static_cast<std::size_t>(factor.columns[d])] = factor.flow.base().standard_normal(static_cast<Index>(d));
  return all;
}

template class Density<float>;
template class Density<double>;

}  // namespace flowfit::flow
