// Blocks of rows through the density, and parameters to and from the model file.
#include "flow/typed_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/memory.h"
#include "core/text.h"
#include "flow/cells.h"
#include "flow/missing.h"

namespace flowfit::flow {

template <class T>
TypedModel<T>::TypedModel(const config::Document& document, const Settings& settings, data::Schema schema)
    : Model(std::move(schema), settings.integer_points),
      density_(document.root(), settings.ensemble, settings.column_specs, settings.context_specs, layout_, settings.seed) {
  if (settings.missing == Missing::marginalize) density_.take_missing();
  core::needing_memory([this] { return std::to_string(layout_.size()) + " parameters"; }, "use smaller networks or fewer layers",
                       [&] {
                         const std::vector<double> start = layout_.initial(settings.seed);
                         weights_.assign(start.begin(), start.end());
                       });
}

template <class T>
TypedModel<T>::TypedModel(const config::Document& document, const Settings& settings, data::Schema schema, const Archive& archive,
                          const std::string& where)
    : Model(std::move(schema), settings.integer_points),
      density_(document.root(), settings.ensemble, settings.column_specs, settings.context_specs, layout_, settings.seed) {
  if (settings.missing == Missing::marginalize) density_.take_missing();
  document.check();
  load(archive, where);
}

template <class T>
std::vector<Model::ParameterInfo> TypedModel<T>::parameters() const {
  std::vector<ParameterInfo> all;
  for (const nn::Parameter& p : layout_.parameters())
    all.push_back({p.name, {p.shape.begin(), p.shape.end()}, static_cast<std::size_t>(p.size), !p.buffer});
  return all;
}

template <class T>
Archive TypedModel<T>::archive() const {
  Archive archive;
  archive.metadata = {{"format", "flowfit"},
                      {"format_version", format_version},
                      {"flowfit_version", FLOWFIT_VERSION},
                      {"random", core::random_scheme},
                      {"config", config_},
                      {"schema", config::print_json(schema_.to_json())}};
  if (!record_.empty()) archive.metadata["record"] = record_;
  for (const nn::Parameter& p : layout_.parameters()) {
    const std::span<const T> values(weights_.data() + p.offset, static_cast<std::size_t>(p.size));
    archive.tensors.push_back(make_tensor<T>(p.name, {p.shape.begin(), p.shape.end()}, values));
  }
  reference_.write(archive);
  return archive;
}

template <class T>
void TypedModel<T>::load(const Archive& archive, const std::string& where) {
  const auto fail = [&](const std::string& text) { throw core::ModelError(where + ": " + text); };
  std::vector<std::string> names;
  for (const nn::Parameter& p : layout_.parameters()) {
    names.push_back(p.name);
    const Tensor* tensor = archive.find(p.name);
    if (!tensor) fail("no tensor " + core::quoted(p.name) + ", which its config needs");
    if (!std::ranges::equal(tensor->shape, p.shape)) {
      const auto shown = [](const auto& shape) {
        std::vector<std::string> parts;
        for (const auto n : shape) parts.push_back(std::to_string(n));
        return "[" + core::joined(parts) + "]";
      };
      fail("tensor " + core::quoted(p.name) + ": its config needs shape " + shown(p.shape) + ", got " + shown(tensor->shape));
    }
  }
  for (const Tensor& tensor : archive.tensors) {
    if (!tensor.name.starts_with("train.") && !Reference::owns(tensor.name) &&
        std::ranges::find(names, tensor.name) == names.end())
      fail("tensor " + core::quoted(tensor.name) + " belongs to nothing in its config; " + core::suggestion(tensor.name, names));
  }
  weights_.resize(static_cast<std::size_t>(layout_.size()));  // not before: a config that lies about its sizes gets no memory
  for (const nn::Parameter& p : layout_.parameters()) {
    const std::vector<T> values = tensor_values<T>(*archive.find(p.name), where);
    for (std::size_t unit = 0; unit < p.prefix.size(); ++unit) {
      for (std::size_t in = static_cast<std::size_t>(p.prefix[unit]); in < static_cast<std::size_t>(p.shape[1]); ++in) {
        if (values[unit * static_cast<std::size_t>(p.shape[1]) + in] != T(0))
          fail("tensor " + core::quoted(p.name) + " [" + std::to_string(unit) + ", " + std::to_string(in) +
               "]: the mask of an autoregressive network wants 0 here");
      }
    }
    std::ranges::copy(values, weights_.begin() + p.offset);
  }
  reference_ = Reference::read(archive, schema_, where);
}

template <class T>
Var<T> load_block(nn::Tape<T>& tape, const data::Columns& columns, std::size_t first, Index rows, Index padded, bool wants_grad) {
  if (columns.empty()) return {};
  const Var<T> x = tape.make(padded, static_cast<Index>(columns.size()), wants_grad);
  T* to = x.value;
  for (const std::vector<double>& column : columns) {
    for (Index i = 0; i < rows; ++i) *to++ = static_cast<T>(column[first + static_cast<std::size_t>(i)]);
    to = std::fill_n(to, padded - rows, static_cast<T>(column[first]));
  }
  return x;
}

template <class T>
void TypedModel<T>::by_blocks(const T* weights, const data::Columns& columns, const data::Columns& context, std::size_t n,
                              core::ThreadPool& pool, std::span<const std::uint64_t> row_ids, const Body& body) const {
  const std::size_t size = static_cast<std::size_t>(block_rows);
  typename nn::SpareTapes<T>::Tapes tapes = spare_tapes_.take(pool.size());
  pool.run(static_cast<int>((n + size - 1) / size), [&](int block, int worker) {
    nn::Tape<T>& tape = *tapes[static_cast<std::size_t>(worker)];
    tape.reset(nn::Mode::evaluate);
    const std::size_t first = static_cast<std::size_t>(block) * size;
    const Index rows = static_cast<Index>(std::min(size, n - first));
    std::uint64_t* ids = tape.template scratch<std::uint64_t>(block_rows);
    for (Index i = 0; i < block_rows; ++i) {
      const std::size_t row = first + static_cast<std::size_t>(std::min(i, rows - 1));
      ids[i] = row_ids.empty() ? row : row_ids[row];
    }
    Pass<T> pass{tape, weights};
    pass.rows = ids;
    body(pass, load_block<T>(tape, columns, first, rows, block_rows), load_block<T>(tape, context, first, rows, block_rows),
         first, rows);
  });
  spare_tapes_.give_back(std::move(tapes));
}

template <class T>
void TypedModel<T>::log_prob(const data::Columns& columns, const data::Columns& context, std::span<double> out,
                             core::ThreadPool& pool) const {
  score(weights_.data(), columns, context, out, pool);
}

template <class T>
void TypedModel<T>::log_prob_moved(std::span<const double> move, const data::Columns& columns, const data::Columns& context,
                                   std::span<double> out, core::ThreadPool& pool) const {
  std::vector<T> moved = weights_;
  for (const nn::Parameter& p : layout_.parameters()) {
    for (Index i = 0; i < p.size; ++i)
      moved[static_cast<std::size_t>(p.offset + i)] += static_cast<T>(move[static_cast<std::size_t>(i)]);
    move = move.subspan(static_cast<std::size_t>(p.size));
  }
  for (const nn::Parameter& p : layout_.parameters()) {
    for (std::size_t unit = 0; unit < p.prefix.size(); ++unit)
      std::fill(moved.begin() + p.offset + static_cast<Index>(unit) * p.shape[1] + p.prefix[unit],
                moved.begin() + p.offset + static_cast<Index>(unit + 1) * p.shape[1], T(0));
  }
  score(moved.data(), columns, context, out, pool);
}

template <class T>
void TypedModel<T>::score(const T* weights, const data::Columns& columns, const data::Columns& context, std::span<double> out,
                          core::ThreadPool& pool) const {
  data::Columns c = context;
  schema_.encode_context(c);
  score_rows(schema_, integer_points_, columns, out, [&](const data::Columns& x, std::span<double> scores) {
    by_blocks(weights, x, c, scores.size(), pool, {},
              [&](Pass<T>& pass, Var<T> block, Var<T> given, std::size_t first, Index rows) {
                const Var<T> log_p = density_.log_prob(pass, block, given);
                for (Index i = 0; i < rows; ++i)
                  scores[first + static_cast<std::size_t>(i)] = static_cast<double>(log_p.value[i]);
              });
  });
  if (!takes_missing()) return;
  for (const Inexact& row : inexact_rows(*this, columns)) out[row.row] = std::nan("");
}

template <class T>
data::Columns TypedModel<T>::log_prob_by_column(const data::Columns& columns, const data::Columns& context, std::size_t n,
                                                core::ThreadPool& pool) const {
  data::Columns x = columns, c = context, out(columns.size(), std::vector<double>(n));
  schema_.encode(x);
  schema_.encode_context(c);
  by_blocks(weights_.data(), x, c, n, pool, {}, [&](Pass<T>& pass, Var<T> block, Var<T> given, std::size_t first, Index rows) {
    const Var<T> terms = density_.log_prob_by_column(pass, block, given);
    for (std::size_t d = 0; d < out.size(); ++d) {
      for (Index i = 0; i < rows; ++i) {
        const std::size_t row = first + static_cast<std::size_t>(i);
        out[d][row] = static_cast<double>(terms.value[static_cast<Index>(d) * terms.rows + i]) +
                      schema_.columns[d].at(columns[d][row]).log_slope;
        if (std::isnan(columns[d][row])) out[d][row] = std::nan("");
      }
    }
    // A number outside its column's limits looks like a missing cell in the flow's units; the row's density is zero.
    for (std::size_t d = 0; d < out.size() && takes_missing(); ++d) {
      for (std::size_t row = first; row < first + static_cast<std::size_t>(rows); ++row) {
        if (!std::isnan(x[d][row]) || std::isnan(columns[d][row])) continue;
        for (std::vector<double>& column : out)
          if (!std::isnan(column[row])) column[row] = -std::numeric_limits<double>::infinity();
      }
    }
  });
  return out;
}

template <class T>
Model::Traits TypedModel<T>::traits() const {
  return {static_cast<int>(density_.members().size()),
          density_.tolerance(),
          density_.estimates(),
          density_.base_support(),
          density_.standard_normal(),
          conditionals()};
}

template <class T>
Conditionals TypedModel<T>::conditionals() const {
  Conditionals all = density_.conditionals();
  if (all.reason.empty() && !schema_.whitening.columns.empty()) all.reason = "whitening mixes its columns";
  if (all.reason.empty() && schema_.has_cells())
    all.reason = "its score of a row is a sum over whole numbers' cells or a circle's turns, of all columns together";
  return all;
}

template <class T>
data::Columns TypedModel<T>::sample(std::uint64_t seed, std::span<const std::uint64_t> places, const data::Columns& context,
                                    core::ThreadPool& pool) const {
  const std::size_t n = places.size();
  data::Columns out(schema_.columns.size(), std::vector<double>(n)), c = context;
  schema_.encode_context(c);
  by_blocks(weights_.data(), {}, c, n, pool, places, [&](Pass<T>& pass, Var<T>, Var<T> given, std::size_t first, Index rows) {
    const Var<T> x = density_.sample(pass, block_rows, given, seed);
    for (std::size_t d = 0; d < out.size(); ++d)
      std::copy_n(x.value + static_cast<Index>(d) * x.rows, rows, out[d].begin() + static_cast<std::ptrdiff_t>(first));
  });
  schema_.decode(out);
  schema_.as_sampled(out);
  return out;
}

template <class T>
data::Columns TypedModel<T>::encode(const data::Columns& columns, const data::Columns& context, std::span<double> log_det,
                                    core::ThreadPool& pool) const {
  data::Columns x = columns, c = context, out(columns.size(), std::vector<double>(log_det.size()));
  std::vector<double> jacobian(log_det.size());
  schema_.encode(x, jacobian);
  schema_.encode_context(c);
  by_blocks(weights_.data(), x, c, log_det.size(), pool, {},
            [&](Pass<T>& pass, Var<T> block, Var<T> given, std::size_t first, Index rows) {
              const Mapped<T> m = density_.encode(pass, block, given);
              for (std::size_t d = 0; d < out.size(); ++d)
                std::copy_n(m.value.value + static_cast<Index>(d) * m.value.rows, rows,
                            out[d].begin() + static_cast<std::ptrdiff_t>(first));
              // What a layer makes of a number outside its column's limits is no matter.
              for (std::size_t row = first; row < first + static_cast<std::size_t>(rows); ++row)
                log_det[row] =
                    std::isinf(jacobian[row]) ? jacobian[row] : static_cast<double>(m.log_det.value[row - first]) + jacobian[row];
            });
  return out;
}

template <class T>
data::Columns TypedModel<T>::decode(const data::Columns& columns, const data::Columns& context, std::span<double> log_det,
                                    core::ThreadPool& pool) const {
  data::Columns c = context, out(columns.size(), std::vector<double>(log_det.size()));
  schema_.encode_context(c);
  by_blocks(weights_.data(), columns, c, log_det.size(), pool, {},
            [&](Pass<T>& pass, Var<T> block, Var<T> given, std::size_t first, Index rows) {
              const Mapped<T> m = density_.decode(pass, block, given);
              for (std::size_t d = 0; d < out.size(); ++d)
                std::copy_n(m.value.value + static_cast<Index>(d) * m.value.rows, rows,
                            out[d].begin() + static_cast<std::ptrdiff_t>(first));
              for (Index i = 0; i < rows; ++i)
                log_det[first + static_cast<std::size_t>(i)] = static_cast<double>(m.log_det.value[i]);
            });
  std::vector<double> jacobian(log_det.size());
  schema_.decode(out, jacobian);
  for (std::size_t row = 0; row < log_det.size(); ++row) log_det[row] -= jacobian[row];
  return out;
}

template <class T>
Model::Gradient TypedModel<T>::gradient(const data::Columns& columns, const data::Columns& context) const {
  const std::size_t n = columns.front().size();
  data::Columns x = columns, c = context;
  schema_.encode(x);
  schema_.encode_context(c);
  Gradient result{data::Columns(columns.size(), std::vector<double>(n)), {}};
  std::vector<T> gradients(weights_.size(), T(0));
  nn::Tape<T> tape;
  for (std::size_t first = 0; first < n; first += static_cast<std::size_t>(block_rows)) {
    const Index rows = std::min(block_rows, static_cast<Index>(n - first));
    tape.reset(nn::Mode::differentiate);
    Pass<T> pass{tape, weights_.data(), gradients.data()};
    std::uint64_t* ids = tape.template scratch<std::uint64_t>(block_rows);
    for (Index i = 0; i < block_rows; ++i) ids[i] = first + static_cast<std::uint64_t>(std::min(i, rows - 1));
    pass.rows = ids;
    const Var<T> in = load_block<T>(tape, x, first, rows, block_rows, true);
    const Var<T> log_p = density_.log_prob(pass, in, load_block<T>(tape, c, first, rows, block_rows));
    if (log_p.wants_grad()) std::fill_n(log_p.adjoint, rows, T(1));
    tape.backward();
    for (std::size_t d = 0; d < x.size(); ++d)
      for (Index i = 0; i < rows; ++i)
        result.rows[d][first + static_cast<std::size_t>(i)] =
            static_cast<double>(in.adjoint[static_cast<Index>(d) * block_rows + i]);
  }
  schema_.pull_back(result.rows, columns);
  for (const nn::Parameter& p : layout_.parameters())  // without what lies between two of them
    result.parameters.insert(result.parameters.end(), gradients.begin() + p.offset, gradients.begin() + p.offset + p.size);
  return result;
}

template Var<float> load_block<float>(nn::Tape<float>&, const data::Columns&, std::size_t, Index, Index, bool);
template Var<double> load_block<double>(nn::Tape<double>&, const data::Columns&, std::size_t, Index, Index, bool);
template class TypedModel<float>;
template class TypedModel<double>;

}  // namespace flowfit::flow
